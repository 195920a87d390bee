"""The terminal family: an agent with a bash tool in a sandbox, scored by the task's own tests in another."""

import time

import httpx

from environments.agent import Agent, Ending
from environments.bash import PROMPT, BashTools
from environments.chat import Chat
from environments.family import Play, Scored
from environments.metrics import EnvironmentMetrics
from environments.terminal.reward import Verdict
from environments.terminal.rules import Rules
from environments.terminal.tasks import TerminalTask, TerminalTasks
from environments.terminal.verification import verify
from services.contracts.environment import Manifest, TaskCard, TaskRef
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

    async def run(self, play: Play) -> Scored:
        task = self._tasks.find(play.task)
        ending, tree = await self._act(task, play)
        verdict, printed = await self._score(task, tree)
        details = {**ending.details, "tests": printed, "task": task.title}
        return Scored(ending.cause, verdict.reward, verdict.components, details)

    async def _act(self, task: TerminalTask, play: Play) -> tuple[Ending, bytes]:
        """How the agent ended, and the tree that it left once all its processes were killed."""
        limits = task.limits(self._rules.output_bytes)
        allowed = time.monotonic() + task.config.agent.timeout_sec
        async with self._sandboxes.open(task.blueprint, limits) as sandbox:
            tools = BashTools(sandbox, self._rules.command_timeout_s)
            chat = Chat(self._client, play.model, tools.schemas)
            agent = Agent(chat, tools, PROMPT, self._rules, play.progress, self._metrics)
            ending = await agent.solve(task.instruction, min(allowed, self._until(play)))
            await sandbox.reset()
            return ending, await sandbox.tree()

    def _until(self, play: Play) -> float:
        """When the agent must stop: scoring has a set time, or a quarter of little."""
        return play.deadline - min(self._rules.verify_reserve_s, play.seconds_left / 4)

    async def _score(self, task: TerminalTask, tree: bytes) -> tuple[Verdict, str]:
        limits = task.limits(self._rules.verifier_output_bytes)
        with self._metrics.phase("verify"):
            async with self._sandboxes.open(task.blueprint, limits, tree) as sandbox:
                return await verify(sandbox, task, sandbox.workdir)
