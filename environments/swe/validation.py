"""Trials of repositories: the reference solution, nothing, and commands that solve nothing."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from environments.swe.controls import CONTROLS, NOTHING, control, oracle
from environments.swe.grading.grade import GRADING, Grader
from environments.swe.grading.remains import remains_of
from environments.swe.grading.submission import prepare
from environments.swe.instance import Instance
from environments.swe.rules import Rules
from environments.swe.tasks import SweTasks, load_tasks
from environments.validation.trials import NOOP, ORACLE
from services.sandbox.port import Sandboxes

_QUICK_S = 60.0


@dataclass(frozen=True)
class SweTrials:
    """Implements `environments.validation.trials.Trials`.

    A verdict is of a diff: where what is graded of two players is equal to the byte, the tests run once.
    """

    found: SweTasks
    sandboxes: Sandboxes
    controls: Sequence[str] = tuple(CONTROLS)
    at_once: int = min(os.cpu_count() or 1, 8)
    _known: dict[tuple[int, str], float] = field(default_factory=dict)

    @property
    def tasks(self) -> Sequence[str]:
        return [instance.instance_id for instance in self.found.all()]

    async def reward(self, task: int, player: str) -> float:
        """After the player acted as an agent would: in a sandbox of its own."""
        instance = self.found.all()[task]
        blueprint = self.found.blueprint(instance)
        async with self.sandboxes.open(blueprint, Rules().limits) as sandbox:
            await prepare(sandbox, instance)
            await sandbox.run(_command(instance, player), _QUICK_S)
            remains = await remains_of(sandbox, instance.workdir)
        grader = Grader(self.sandboxes, blueprint, instance)
        async with self.sandboxes.open(blueprint, GRADING) as sandbox:
            submission = await grader.submission_of(sandbox, remains)
            known = task, submission.digest
            if known not in self._known:
                self._known[known] = (await grader.judge(sandbox, submission)).reward
        return self._known[known]


@asynccontextmanager
async def swe_trials(
    folder: Path, sandboxes: Sandboxes, first: int | None = None
) -> AsyncIterator[SweTrials]:
    """Errors: Refused if a row or an image cannot be used."""
    yield SweTrials(load_tasks(folder, sandboxes).first(first), sandboxes)


def _command(instance: Instance, player: str) -> str:
    if player == ORACLE:
        return oracle(instance)
    return NOTHING if player == NOOP else control(instance, player)
