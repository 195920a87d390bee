"""Grades every task with its reference solution, with nothing done, and with every control."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from environments.swe.controls import CONTROLS, oracle
from environments.swe.grading.grade import grade
from environments.swe.grading.submission import prepare
from environments.swe.grading.verdict import Verdict
from environments.swe.instance import Instance
from environments.swe.rules import Rules
from environments.swe.tasks import SweTasks
from services.sandbox.port import Sandboxes

_QUICK_S = 60.0


@dataclass
class Validation:
    """Tasks, and how many of them each sort of agent gets full reward for; `controls_full` must be 0.

    `wrong` names what does not hold, `graded` counts all that was graded.
    """

    tasks: int = 0
    oracle_full: int = 0
    noop_full: int = 0
    controls_full: int = 0
    leftovers: int = 0
    graded: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return self.oracle_full == self.tasks and not (self.noop_full or self.controls_full or self.leftovers)

    def take(self, task: str, played: str, verdict: Verdict) -> None:
        full = verdict.reward == 1.0
        self.graded += 1
        self.oracle_full += full and played == "oracle"
        self.noop_full += full and played == "nothing"
        self.controls_full += full and played not in ("oracle", "nothing")
        if full != (played == "oracle"):
            self.wrong.append(f"{task}: {played}: {verdict.reward} {verdict.labels}")


async def validate(
    tasks: SweTasks, sandboxes: Sandboxes, controls: Mapping[str, str] = CONTROLS
) -> Validation:
    """Over all splits. Errors: Failure (verifier) where a task cannot be graded."""
    validation = Validation()
    for instance in tasks.all():
        validation.tasks += 1
        async for played, verdict in plays(tasks, instance, sandboxes, controls):
            validation.take(instance.instance_id, played, verdict)
    return validation


async def plays(
    tasks: SweTasks, instance: Instance, sandboxes: Sandboxes, controls: Mapping[str, str]
) -> AsyncIterator[tuple[str, Verdict]]:
    """What oracle and controls are given, each after it acted as an agent would: in a sandbox of its own."""
    for played, command in {"oracle": oracle(instance), **controls}.items():
        async with sandboxes.open(tasks.blueprint(instance), Rules().limits) as sandbox:
            await prepare(sandbox, instance.workdir, instance.bug_patch)
            await sandbox.run(command, _QUICK_S)
            await sandbox.reset()
            tree = await sandbox.tree()
        yield played, await grade(sandboxes, tasks.blueprint(instance), instance, tree)
