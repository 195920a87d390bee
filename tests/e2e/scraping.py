"""A real Prometheus that scrapes a run, with the rules that are shipped, and answers for all of it."""

import json
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from services.kit.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
_JOBS = {"inference": "engine"}
_ENVIRONMENT = "environment-"


class Prometheus:
    """Use as `with`. Targets are found in `ready`, where each process of a run leaves its address."""

    def __init__(self, folder: Path, ready: Path) -> None:
        self._folder = folder
        self._ready = ready
        self._port = free_port()
        self.started_at = time.time()

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True)
        self._found = self._folder / "targets.json"
        self._found.write_text("[]")
        targets = {"files": [str(self._found)], "refresh_interval": "1s"}
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(ROOT / "deploy/prometheus/rules/*.yml")],
            "scrape_configs": [{"job_name": "run", "file_sd_configs": [targets]}],
        }
        path = self._folder / "prometheus.yml"
        path.write_text(json.dumps(config))  # JSON is YAML
        arguments = [f"--config.file={path}", f"--storage.tsdb.path={self._folder / 'data'}"]
        arguments.append(f"--web.listen-address=127.0.0.1:{self._port}")
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(["prometheus", *arguments], stdout=log, stderr=log)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(20)

    def look(self) -> None:
        """Scrape whoever has left an address by now."""
        found = []
        for path in sorted(self._ready.glob("*")):
            name = path.name
            if path.suffix or not path.is_file():
                continue
            labels = {"job": _JOBS.get(name, name)}
            if name.startswith(_ENVIRONMENT):
                labels = {"job": "environment", "environment": name.removeprefix(_ENVIRONMENT)}
            found.append({"targets": [path.read_text().removeprefix("http://")], "labels": labels})
        part = self._found.with_suffix(".part")
        part.write_text(json.dumps(found))
        part.rename(self._found)

    def asked(self, expression: str) -> list[dict[str, Any]]:
        """Every series of an answer since the start. Fails if Prometheus does not understand it."""
        span = {"start": self.started_at, "end": time.time(), "step": 2}
        reply = httpx.get(
            f"http://127.0.0.1:{self._port}/api/v1/query_range",
            params={"query": expression, **span},
            timeout=30,
        )
        answer = reply.json()
        assert answer["status"] == "success", (expression, answer)
        return [
            series
            for series in answer["data"]["result"]
            if any(value not in ("NaN", "+Inf", "-Inf") for _, value in series["values"])
        ]
