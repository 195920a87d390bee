"""All dashboards."""

from deploy.grafana.environments import ENVIRONMENTS
from deploy.grafana.learner import LEARNER
from deploy.grafana.overview import OVERVIEW
from deploy.grafana.reliability import RELIABILITY
from deploy.grafana.serving import SERVING

PAGES = (OVERVIEW, ENVIRONMENTS, SERVING, LEARNER, RELIABILITY)
