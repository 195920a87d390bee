"""The terminal family: an agent with a bash tool in a sandbox, scored by the task's own tests in another."""

import time

import httpx

from environments.family import Progress, Scored
from environments.metrics import EnvironmentMetrics
from environments.terminal.agent import Agent, Ending
from environments.terminal.chat import Chat
from environments.terminal.prompt import BASH_TOOL
from environments.terminal.reward import Verdict
from environments.terminal.rules import Rules
from environments.terminal.tasks import TerminalTask, TerminalTasks
from environments.terminal.verification import verify
from services.contracts.environment import Manifest, ModelAccess, TaskCard, TaskRef
from services.sandbox.port import Sandboxes

VERSION = "0.1.0"


class TerminalFamily:
    """Rollouts of Harbor tasks. `client` talks to the gateway for all of them."""

    def __init__(
        self,
        manifest: Manifest,
        tasks: TerminalTasks,
        sandboxes: Sandboxes,
        client: httpx.AsyncClient,
        rules: Rules,
        metrics: EnvironmentMetrics,
    ) -> None:
        self.manifest = manifest
        self._tasks = tasks
        self._sandboxes = sandboxes
        self._client = client
        self._rules = rules
        self._metrics = metrics

    def card(self, task: TaskRef) -> TaskCard:
        return self._tasks.card(task)

    async def run(self, task: TaskRef, model: ModelAccess, deadline: float, progress: Progress) -> Scored:
        found = self._tasks.find(task)
        ending, tree = await self._act(found, model, deadline, progress)
        verdict, printed = await self._score(found, tree)
        details = {
            "ended": ending.reason,
            "sampled_tokens": ending.sampled_tokens,
            "tests": printed,
            "task": found.title,
        }
        return Scored(ending.cause, verdict.reward, verdict.components, details)

    async def _act(
        self, task: TerminalTask, model: ModelAccess, deadline: float, progress: Progress
    ) -> tuple[Ending, bytes]:
        """How the agent ended, and the tree that it left once all its processes were killed."""
        chat = Chat(self._client, model, [BASH_TOOL])
        limits = task.limits(self._rules.output_bytes)
        allowed = time.monotonic() + task.config.agent.timeout_sec
        async with self._sandboxes.open(task.blueprint, limits) as sandbox:
            agent = Agent(chat, sandbox, self._rules, progress, self._metrics)
            ending = await agent.solve(task.instruction, min(allowed, deadline - self._reserve_s(deadline)))
            await sandbox.reset()
            return ending, await sandbox.tree()

    def _reserve_s(self, deadline: float) -> float:
        """Time that is kept for scoring: a set time, or a quarter of little."""
        return min(self._rules.verify_reserve_s, (deadline - time.monotonic()) / 4)

    async def _score(self, task: TerminalTask, tree: bytes) -> tuple[Verdict, str]:
        limits = task.limits(self._rules.verifier_output_bytes)
        workdir = self._sandboxes.workdir(task.blueprint)
        with self._metrics.phase("verify"):
            async with self._sandboxes.open(task.blueprint, limits, tree) as sandbox:
                return await verify(sandbox, task, workdir)
