"""An environment class for mini-swe-agent: hands each command to the sandbox that waits at a socket.

Loaded by mini-swe-agent in a process that has nothing of Podium; hence the standard library alone.
"""

import importlib
import json
import platform
import socket
from types import SimpleNamespace
from typing import Any

_DONE = "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"


class BoxEnvironment:
    """`door` is the path of a UNIX socket that answers one JSON line with another."""

    def __init__(self, *, door: str, timeout: float, **settings: Any) -> None:
        self.config = SimpleNamespace(door=door, timeout=timeout, **settings)

    def execute(
        self, action: dict[str, Any], cwd: str = "", *, timeout: float | None = None
    ) -> dict[str, Any]:
        wanted = {"command": action.get("command", ""), "timeout_s": timeout or self.config.timeout}
        with socket.socket(socket.AF_UNIX) as door:
            door.connect(self.config.door)
            door.sendall(json.dumps(wanted).encode() + b"\n")
            answer: dict[str, Any] = json.loads(door.makefile().readline())
        output = {**answer, "exception_info": ""}
        self._submitted(output)
        return output

    def get_template_vars(self, **more: Any) -> dict[str, Any]:
        return {**vars(self.config), **platform.uname()._asdict(), **more}

    def serialize(self) -> dict[str, Any]:
        return {"info": {"config": {"environment": vars(self.config), "environment_type": "podium_box"}}}

    def _submitted(self, output: dict[str, Any]) -> None:
        """Its way of saying that it is done: a first line of output."""
        first, *rest = output["output"].lstrip().splitlines(keepends=True) or [""]
        if first.strip() == _DONE and output["returncode"] == 0:
            words = "".join(rest)
            extra = {"exit_status": "Submitted", "submission": words}
            raise importlib.import_module("minisweagent.exceptions").Submitted(
                {"role": "exit", "content": words, "extra": extra}
            )
