"""Runs mini-swe-agent's own command against the gateway, by base URL and key, and reads how it ended."""

import asyncio
import json
import os
import signal
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from environments.ending import Ending
from environments.metrics import EnvironmentMetrics
from environments.swe.agent import Assignment
from environments.swe.mini.door import Door
from environments.swe.rules import Rules
from services.contracts.cause import Cause
from services.kit.failure import Failure

_BOX = "podium_box.BoxEnvironment"
_BUDGET = {
    "LimitsExceeded": "turns",
    "TimeExceeded": "time",
    "ContextWindowExceededError": "context",
    "RepeatedFormatError": "format",
}
_ENGINE = frozenset(
    {
        "APIConnectionError",
        "APIError",
        "InternalServerError",
        "RateLimitError",
        "ServiceUnavailableError",
        "Timeout",
    }
)
_TAIL = 2000
_REACHED_S = 3.0


@dataclass(frozen=True)
class MiniSweAgent:
    """`python` is the interpreter of an environment in which the package mini-swe-agent is installed."""

    python: Path
    rules: Rules
    metrics: EnvironmentMetrics

    async def solve(self, assignment: Assignment) -> Ending:
        door = Door(assignment.sandbox, assignment.workdir, self.rules.command_timeout_s, self.metrics)
        with TemporaryDirectory(prefix="mini-") as folder:
            home = Path(folder)
            async with door.open(home / "door"):
                (home / "podium.yaml").write_text(json.dumps(self._config(home, assignment)))
                printed, in_time = await self._run(home, assignment)
            if door.broken is not None:
                raise door.broken
            if not in_time and await _is_away(assignment.model.base_url):
                detail = "the model could not be reached when time was up"
                raise Failure(detail, cause=Cause.ENGINE)
            return _ending(_trajectory(home), printed, in_time, assignment)

    async def _run(self, home: Path, assignment: Assignment) -> tuple[str, bool]:
        process = await asyncio.create_subprocess_exec(
            str(self.python),
            *("-m", "minisweagent.run.mini", "-c", "mini.yaml", "-c", str(home / "podium.yaml")),
            *("-t", assignment.instruction, "-o", str(home / "trajectory.json"), "--exit-immediately", "-y"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            env=self._environment(home, assignment),
            cwd=home,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(assignment.until - time.monotonic()) as limit:
                printed, _ = await process.communicate()
            return printed.decode(errors="replace")[-_TAIL:], True
        except TimeoutError:
            if not limit.expired():
                raise
            return "", False
        finally:
            await _end(process)

    def _environment(self, home: Path, assignment: Assignment) -> dict[str, str]:
        """All that it is told: where the model is, and whose home this is."""
        return {
            "PATH": os.defpath,
            "HOME": str(home),
            "PYTHONPATH": str(Path(__file__).parent),
            "OPENAI_BASE_URL": assignment.model.base_url,
            "OPENAI_API_BASE": assignment.model.base_url,
            "OPENAI_API_KEY": assignment.model.api_key,
            "MSWEA_GLOBAL_CONFIG_DIR": str(home / "config"),
            "MSWEA_CONFIGURED": "true",
            "MSWEA_SILENT_STARTUP": "1",
            "MSWEA_COST_TRACKING": "ignore_errors",
            "MSWEA_MODEL_RETRY_STOP_AFTER_ATTEMPT": "4",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_LOG": "ERROR",
        }

    def _config(self, home: Path, assignment: Assignment) -> dict[str, Any]:
        sampling = assignment.model.sampling
        return {
            "agent": {"agent_class": "default", "step_limit": self.rules.max_turns, "cost_limit": 0},
            "environment": {
                "environment_class": _BOX,
                "door": str(home / "door"),
                "timeout": self.rules.command_timeout_s,
            },
            "model": {
                "model_class": "litellm",
                "model_name": f"openai/{assignment.model.name}",
                "model_kwargs": {
                    "temperature": sampling.temperature,
                    "top_p": sampling.top_p,
                    "max_tokens": min(sampling.max_new_tokens, self.rules.max_tokens),
                    "max_retries": 2,
                },
            },
        }


async def _is_away(base_url: str) -> bool:
    """Whether nobody takes a connection there. What the agent printed of it is no proof: a policy can too."""
    url = urlsplit(base_url)
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        async with asyncio.timeout(_REACHED_S):
            _, writer = await asyncio.open_connection(url.hostname, port)
    except (OSError, TimeoutError):
        return True
    writer.close()
    return False


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _trajectory(home: Path) -> dict[str, Any]:
    """What it wrote down of itself; nothing if it was stopped before."""
    try:
        trajectory = json.loads((home / "trajectory.json").read_text())
    except (OSError, ValueError):
        return {}
    return trajectory if isinstance(trajectory, dict) else {}


def _ending(trajectory: dict[str, Any], printed: str, in_time: bool, assignment: Assignment) -> Ending:
    info = trajectory.get("info", {})
    assignment.progress.turns = int(info.get("model_stats", {}).get("api_calls", 0))
    status = str(info.get("exit_status") or "")
    tokens = sum(_completion_tokens(message) for message in trajectory.get("messages", []))
    if not in_time:
        return Ending(Cause.BUDGET, "time", tokens)
    if status == "Submitted":
        return Ending(Cause.COMPLETED, "the agent was done", tokens)
    if status in _BUDGET:
        return Ending(Cause.BUDGET, _BUDGET[status], tokens)
    raise Failure(f"mini-swe-agent ended with {status or 'no word'}: {printed}", cause=_cause(status))


def _cause(status: str) -> Cause:
    if status == "PermissionDeniedError":
        return Cause.CANCELLED
    return Cause.ENGINE if status in _ENGINE else Cause.ENVIRONMENT


def _completion_tokens(message: dict[str, Any]) -> int:
    usage = (message.get("extra") or {}).get("response", {}).get("usage") or {}
    return int(usage.get("completion_tokens") or 0)
