"""The software engineering family: an agent at a repository, graded from its diff in another sandbox."""

from dataclasses import dataclass

from environments.family import Progress, Scored
from environments.metrics import EnvironmentMetrics
from environments.swe.agent import Agent, Assignment
from environments.swe.grading.grade import grade
from environments.swe.grading.submission import prepare
from environments.swe.instance import Instance
from environments.swe.reward import scored
from environments.swe.rules import Rules
from environments.swe.tasks import SweTasks
from environments.terminal.agent import Ending
from services.contracts.environment import Manifest, ModelAccess, TaskCard, TaskRef
from services.sandbox.port import Sandboxes

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

    async def run(self, task: TaskRef, model: ModelAccess, deadline: float, progress: Progress) -> Scored:
        """Errors: Failure with cause engine, sandbox, environment (task, agent's program) or verifier."""
        instance = self.tasks.find(task)
        ending, tree = await self._act(instance, model, deadline, progress)
        with self.metrics.phase("verify"):
            verdict = await grade(self.sandboxes, self.tasks.blueprint(instance), instance, tree)
        return scored(instance, ending, verdict)

    async def _act(
        self, instance: Instance, model: ModelAccess, deadline: float, progress: Progress
    ) -> tuple[Ending, bytes]:
        """How the agent ended, and the tree that it left once all its processes were killed."""
        async with self.sandboxes.open(self.tasks.blueprint(instance), self.rules.limits) as sandbox:
            await prepare(sandbox, instance.workdir, instance.bug_patch)
            until = deadline - self.rules.grading_reserve_s
            assignment = Assignment(
                sandbox, instance.workdir, instance.problem_statement, model, until, progress
            )
            ending = await self.agent.solve(assignment)
            await sandbox.reset()
            return ending, await sandbox.tree()
