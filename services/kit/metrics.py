"""`/metrics` in the Prometheus text format, and what every process tells of itself."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


def mount_metrics(app: FastAPI, registry: CollectorRegistry) -> None:
    """Serve `registry` at `GET /metrics`, with this process's memory, time and open files."""
    ProcessCollector(registry=registry)

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class Disks(Collector):
    """Room on the disks of named folders, asked when somebody looks; a folder that is gone is left out."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = dict(folders)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        free = GaugeMetricFamily("podium_disk_free_bytes", "Room left on a folder's disk", labels=["folder"])
        size = GaugeMetricFamily("podium_disk_size_bytes", "Size of a folder's disk", labels=["folder"])
        for name, folder in self._folders.items():
            try:
                room = shutil.disk_usage(folder)
            except OSError:
                continue
            free.add_metric([name], room.free)
            size.add_metric([name], room.total)
        yield free
        yield size
