"""Trials of Harbor tasks: the task's own solution, nothing, and commands that solve nothing."""

import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from environments.family import Play, Scored
from environments.metrics import EnvironmentMetrics
from environments.terminal.agents import Agent, Noop, Oracle, Scripted
from environments.terminal.attempts import Attempts
from environments.terminal.controls import CONTROLS
from environments.terminal.rules import Rules
from environments.terminal.tasks import TerminalTask, load_tasks
from environments.validation.trials import NOOP, ORACLE
from services.contracts.environment import ModelAccess, TaskRef
from services.contracts.words import new_id
from services.sandbox.port import Sandboxes

_A_DAY_S = 86_400.0  # tasks have their own limits of time


@dataclass(frozen=True)
class TerminalTrials:
    """Implements `environments.validation.trials.Trials`."""

    found: Sequence[TerminalTask]
    attempts: Attempts
    controls: Sequence[str] = tuple(CONTROLS)
    at_once: int = min(os.cpu_count() or 1, 8)

    @property
    def tasks(self) -> Sequence[str]:
        return [task.title for task in self.found]

    async def reward(self, task: int, player: str) -> float:
        return (await played(self.attempts, self.found[task], _agent(player))).reward


@asynccontextmanager
async def terminal_trials(
    folder: Path, sandboxes: Sandboxes, first: int | None = None
) -> AsyncIterator[TerminalTrials]:
    """Errors: Refused if a task directory is not in order."""
    tasks = load_tasks(folder, sandboxes).first(first)
    yield TerminalTrials(tasks.all(), Attempts(sandboxes, Rules(), EnvironmentMetrics(), None))


async def played(attempts: Attempts, task: TerminalTask, agent: Agent, seconds: float = _A_DAY_S) -> Scored:
    """One attempt by an agent that needs no model. Errors: Failure."""
    nobody = ModelAccess(base_url="", api_key="", name="none")
    ref = TaskRef(split="train", index=0)
    play = Play(new_id(), 1, ref, nobody, deadline=time.monotonic() + seconds)
    return await attempts.run(task, agent, play)


def _agent(player: str) -> Agent:
    if player == ORACLE:
        return Oracle()
    return Noop() if player == NOOP else Scripted(CONTROLS[player])
