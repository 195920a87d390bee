"""A crash at each stage of an attempt has the right cause and no reward."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

from environments.boundary import outcome_of
from environments.family import Progress
from environments.metrics import EnvironmentMetrics
from environments.terminal.agents import Agent, Assignment, Noop, Oracle
from environments.terminal.attempts import Attempts
from environments.terminal.rules import Rules
from environments.terminal.tasks import TerminalTask
from environments.terminal.validation import played
from services.contracts.environment import LiveRollout
from services.contracts.outcome import Outcome
from services.contracts.words import new_id
from services.sandbox.bubblewrap import BubblewrapSandboxes
from services.sandbox.port import Blueprint, Limits, Sandbox, Sandboxes, SandboxFailure
from tests.environments.terminal.harbor import simple, two_steps


@dataclass
class Breaking:
    """Sandboxes of which the one with this number, from 1, does not start."""

    inner: Sandboxes
    number: int
    opened: int = 0

    async def verify(self) -> None: ...

    def running(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    def check(self, blueprint: Blueprint) -> None:
        self.inner.check(blueprint)

    def accompanied(self, blueprint: Blueprint, limits: Limits) -> AbstractAsyncContextManager[Blueprint]:
        return self.inner.accompanied(blueprint, limits)

    @asynccontextmanager
    async def open(
        self, blueprint: Blueprint, limits: Limits, tree: bytes | None = None
    ) -> AsyncIterator[Sandbox]:
        self.opened += 1
        if self.opened == self.number:
            raise SandboxFailure("no room for another sandbox")
        async with self.inner.open(blueprint, limits, tree) as sandbox:
            yield sandbox


class Crashing:
    """An agent whose program has a fault."""

    async def solve(self, assignment: Assignment) -> object:
        raise ZeroDivisionError("in the agent")


async def outcome(folder: Path, agent: Agent, broken: int = 0) -> Outcome:
    sandboxes = Breaking(BubblewrapSandboxes(), broken)
    attempts = Attempts(sandboxes, Rules(), EnvironmentMetrics(), None)
    work = asyncio.create_task(played(attempts, TerminalTask.read(folder, sandboxes), agent))
    await asyncio.wait([work])
    return outcome_of(LiveRollout(rollout_id=new_id(), attempt=1), work, Progress(), stopping=False)


@pytest.mark.parametrize("number", [1, 2], ids=["start", "verifier"])
async def test_a_sandbox_that_does_not_start(tmp_path: Path, number: int) -> None:
    told = await outcome(simple(tmp_path / "task"), Oracle(), broken=number)
    assert (told.cause, told.reward) == ("sandbox", None)
    assert told.error == "no room for another sandbox"


async def test_a_sandbox_of_a_later_step_leaves_no_part_of_a_reward(tmp_path: Path) -> None:
    told = await outcome(two_steps(tmp_path / "task"), Oracle(), broken=3)
    assert (told.cause, told.reward, told.components) == ("sandbox", None, {})


async def test_an_agent_that_crashes(tmp_path: Path) -> None:
    told = await outcome(simple(tmp_path / "task"), Crashing())  # type: ignore[arg-type]
    assert (told.cause, told.reward) == ("environment", None)
    assert told.error is not None
    assert "ZeroDivisionError: in the agent" in told.error


async def test_a_verifier_that_kills_itself(tmp_path: Path) -> None:
    told = await outcome(simple(tmp_path / "task", **{"tests/test.sh": "#!/bin/bash\nkill -9 $$\n"}), Noop())
    assert (told.cause, told.reward) == ("verifier", None)
