"""What works on a task: the model with a bash tool, the task's own solution, nothing, or a set command."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Protocol

import httpx

from environments.agent import Agent as ToolLoop
from environments.bash import PROMPT, BashTools
from environments.chat import Chat
from environments.context import ContextManagement
from environments.ending import Ending
from environments.family import Play
from environments.metrics import EnvironmentMetrics
from environments.terminal.harbor.files import files_below
from environments.terminal.harbor.places import AGENT, SOLUTION
from environments.terminal.harbor.step import Step
from environments.terminal.rules import Rules
from environments.terminal.tasks import TerminalTask
from services.contracts.cause import Cause
from services.kit.failure import Refused
from services.sandbox.archive import archive_of
from services.sandbox.port import Sandbox

_SHOWN = 2_000


@dataclass(frozen=True)
class Assignment:
    """One step to one agent, in a sandbox whose shell is in its work folder; stop at `until` (monotonic).

    `spent_tokens` were sampled in earlier steps of the same rollout.
    """

    sandbox: Sandbox
    task: TerminalTask
    step: Step
    play: Play
    until: float
    spent_tokens: int = 0


class Agent(Protocol):
    async def solve(self, assignment: Assignment) -> Ending:
        """How it ended; what it did is in the sandbox. Errors: Failure of model or sandbox."""


@dataclass(frozen=True)
class BashAgent:
    """One bash tool in a persistent shell; each step is a conversation of its own."""

    client: httpx.AsyncClient
    rules: Rules
    metrics: EnvironmentMetrics
    context: ContextManagement

    async def solve(self, assignment: Assignment) -> Ending:
        play = assignment.play
        tools = BashTools(assignment.sandbox, self.rules.command_timeout_s)
        chat = Chat(self.client, play.model, tools.schemas)
        loop = ToolLoop(
            chat, tools, PROMPT, self.rules, play.progress, self.metrics, self.context,
            sampled_tokens=assignment.spent_tokens,
        )  # fmt: skip
        return await loop.solve(assignment.step.instruction, assignment.until)


@dataclass(frozen=True)
class Oracle:
    """Carries out the step's solution, as Harbor's does."""

    async def solve(self, assignment: Assignment) -> Ending:
        """Errors: Refused if the task has no solution."""
        folder = _solution(assignment)
        files = files_below(folder, assignment.task.folder)
        archive = archive_of({f"{SOLUTION}/{name}": path for name, path in files.items()}, mode=0o755)
        await assignment.sandbox.put(archive, "/")
        env = {"DEBIAN_FRONTEND": "noninteractive", **assignment.task.config.solution.env}
        log = f"{AGENT}/oracle.txt"
        command = (
            f"({_exports(env)}; cd {quote(assignment.sandbox.workdir)}; {SOLUTION}/solve.sh) > {log} 2>&1"
        )
        return await _carried_out(assignment, f"{command}; tail -c {_SHOWN} {log}")


@dataclass(frozen=True)
class Noop:
    """Does nothing."""

    async def solve(self, assignment: Assignment) -> Ending:
        return Ending(Cause.COMPLETED, "nothing to do")


@dataclass(frozen=True)
class Scripted:
    """Runs one command in every step."""

    command: str

    async def solve(self, assignment: Assignment) -> Ending:
        return await _carried_out(assignment, self.command)


async def _carried_out(assignment: Assignment, command: str) -> Ending:
    ran = await assignment.sandbox.run(command, assignment.until - time.monotonic())
    if ran.timed_out:
        return Ending(Cause.BUDGET, "time", words=ran.output[-_SHOWN:])
    return Ending(Cause.COMPLETED, f"exit {ran.exit_code}", words=ran.output[-_SHOWN:])


def _solution(assignment: Assignment) -> Path:
    folder = assignment.step.solution
    if folder is None or not (folder / "solve.sh").is_file():
        missing = (folder or assignment.task.folder / "solution") / "solve.sh"
        raise Refused(f"{missing} is missing: there is no oracle", field="solution")
    return folder


def _exports(env: Mapping[str, str]) -> str:
    return "export " + " ".join(quote(f"{name}={value}") for name, value in env.items())
