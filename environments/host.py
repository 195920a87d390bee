"""What an environment service lends to its family."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from environments.artifacts import Artifacts
from environments.metrics import EnvironmentMetrics
from services.sandbox.port import Sandboxes


@dataclass(frozen=True)
class Host:
    """`lifetimes` grows by what a family wants open while the service serves."""

    name: str
    capacity: int
    tasks_dir: Path
    sandboxes: Sandboxes
    client: httpx.AsyncClient
    metrics: EnvironmentMetrics
    artifacts: Artifacts
    lifetimes: list[AbstractAsyncContextManager[Any]] = field(default_factory=list)
