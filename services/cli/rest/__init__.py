"""Commands that speak to a running orchestrator over its REST API."""
