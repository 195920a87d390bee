"""`/metrics` in the Prometheus text format."""

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest


def mount_metrics(app: FastAPI, registry: CollectorRegistry) -> None:
    """Serve `registry` at `GET /metrics`."""

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
