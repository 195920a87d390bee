"""The python tool: a program runs in a sandbox of its rollout, without network and within limits."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from types import TracebackType
from typing import Protocol, Self

from services.sandbox.port import Blueprint, Limits, Sandbox, Sandboxes

SANDBOX = Blueprint(Path(__file__).parent / "sandbox", read_only_root=True)


class PythonRunner(Protocol):
    """Runs one program at a time for one rollout."""

    async def run(self, code: str) -> str:
        """What the program printed. Errors: SandboxFailure if there is nowhere to run it."""


@dataclass
class SandboxPython:
    """Opens a sandbox when the first program arrives; close it (`async with`) with its rollout."""

    sandboxes: Sandboxes
    limits: Limits
    timeout_s: float
    _owned: AsyncExitStack = field(default_factory=AsyncExitStack)
    _sandbox: Sandbox | None = None

    async def run(self, code: str) -> str:
        if self._sandbox is None:
            opening = self.sandboxes.open(SANDBOX, self.limits)
            self._sandbox = await self._owned.enter_async_context(opening)
        result = await self._sandbox.run(f"python3 -c {quote(code)}", self.timeout_s)
        if result.timed_out:
            return f"{result.output}\n[stopped after {self.timeout_s:g} s]".lstrip()
        return (
            result.output if result.exit_code == 0 else f"{result.output}\n[exit {result.exit_code}]".lstrip()
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._owned.aclose()
