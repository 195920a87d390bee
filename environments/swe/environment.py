"""The software engineering family: an agent at a repository, graded from its diff in another sandbox."""

from dataclasses import dataclass, replace

from environments.ending import Ending
from environments.family import Play, Scored
from environments.metrics import EnvironmentMetrics
from environments.overrun import Overran, of_the_agent, overran
from environments.swe.agent import Agent, Assignment
from environments.swe.grading.grade import grade
from environments.swe.grading.remains import remains_of
from environments.swe.grading.submission import prepare
from environments.swe.instance import Instance
from environments.swe.reward import COMPONENTS, scored
from environments.swe.rules import Rules
from environments.swe.tasks import SweTasks
from services.contracts.environment import Manifest, TaskCard, TaskRef
from services.sandbox.port import Blueprint, Sandboxes

VERSION = "1"


@dataclass(frozen=True)
class SweFamily:
    """Implements `environments.family.Family`."""

    manifest: Manifest
    tasks: SweTasks
    sandboxes: Sandboxes
    agent: Agent
    rules: Rules
    metrics: EnvironmentMetrics

    def card(self, task: TaskRef) -> TaskCard:
        return self.tasks.card(task)

    async def run(self, play: Play) -> Scored:
        """Errors: Failure with cause engine, sandbox, environment (task, agent's program) or verifier."""
        try:
            with of_the_agent():  # only what it leaves differs from one rollout to another
                return await self._played(self.tasks.find(play.task), play)
        except Overran as why:
            return overran(why, COMPONENTS)

    async def _played(self, instance: Instance, play: Play) -> Scored:
        blueprint = replace(self.tasks.blueprint(instance), labels=self._labels(play))
        ending, remains = await self._act(instance, blueprint, play)
        with self.metrics.phase("verify"):
            verdict = await grade(self.sandboxes, blueprint, instance, remains)
        return scored(instance, ending, verdict)

    def _labels(self, play: Play) -> dict[str, str]:
        return {
            "rollout": play.rollout_id,
            "attempt": str(play.attempt),
            "environment": self.manifest.name,
        }

    async def _act(self, instance: Instance, blueprint: Blueprint, play: Play) -> tuple[Ending, bytes]:
        """How the agent ended, and the repository that it left."""
        async with self.sandboxes.open(blueprint, self.rules.limits) as sandbox:
            await prepare(sandbox, instance)
            until = play.deadline - self.rules.grading_reserve_s
            assignment = Assignment(
                sandbox, instance.workdir, instance.problem_statement, play.model, until, play.progress
            )
            ending = await self.agent.solve(assignment)
            return ending, await remains_of(sandbox, instance.workdir)
