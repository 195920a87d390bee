"""Grafana's dashboards as code: `python -m deploy.grafana` writes what Grafana is provisioned with."""
