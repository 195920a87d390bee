"""The search family: one rollout is a question, tools over pages, and a verdict on the answer."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import httpx

from environments.agent import Agent
from environments.chat import Chat
from environments.context import ContextManagement
from environments.ending import Ending
from environments.family import Play, Scored
from environments.metrics import EnvironmentMetrics
from environments.search.index.engine import Library, SearchEngine
from environments.search.judge.judge import Judge
from environments.search.prompt import PROMPT
from environments.search.question import Question
from environments.search.reward import score
from environments.search.rules import Rules
from environments.search.tasks import SearchTasks
from environments.search.tools.python import PythonRunner, SandboxPython
from environments.search.tools.toolbox import Extent, Toolbox
from services.contracts.cause import Cause
from services.contracts.environment import Manifest, TaskCard, TaskRef
from services.kit.failure import Failure
from services.sandbox.port import Limits, Sandboxes

VERSION = "1"


@dataclass(frozen=True)
class Workbench:
    """What the tools of every rollout share. Without sandboxes there is no python tool."""

    engine: SearchEngine
    library: Library
    sandboxes: Sandboxes | None
    extent: Extent = field(default_factory=Extent)
    limits: Limits = field(default_factory=Limits)
    python_timeout_s: float = 10.0


@dataclass(frozen=True)
class SearchFamily:
    """Implements `environments.family.Family`."""

    manifest: Manifest
    tasks: SearchTasks
    workbench: Workbench
    client: httpx.AsyncClient
    judge: Judge
    context: ContextManagement
    rules: Rules
    metrics: EnvironmentMetrics

    def card(self, task: TaskRef) -> TaskCard:
        return self.tasks.card(task)

    async def run(self, play: Play) -> Scored:
        """Errors: Failure with cause engine, sandbox, environment (search engine) or verifier (judge)."""
        question = self.tasks.find(play.task)
        async with AsyncExitStack() as stack:
            tools = await self._toolbox(stack)
            chat = Chat(self.client, play.model, tools.schemas)
            agent = Agent(
                chat,
                tools,
                PROMPT,
                self.rules,
                play.progress,
                self.metrics,
                self.context,
                outside=lambda name: name == "search",
            )
            ending = await agent.solve(question.question, play.deadline - self._reserve_s(play))
        with self.metrics.phase("verify"):
            return await self._score(question, ending, play)

    def _reserve_s(self, play: Play) -> float:
        return min(self.rules.judge_reserve_s, play.seconds_left / 4)

    async def _score(self, question: Question, ending: Ending, play: Play) -> Scored:
        seconds = play.seconds_left - self.rules.report_reserve_s
        try:
            async with asyncio.timeout(seconds) as limit:
                return await score(question, ending, self.judge)
        except TimeoutError:
            if not limit.expired():
                raise
            raise Failure("the judge did not finish in time", cause=Cause.VERIFIER) from None

    async def _toolbox(self, stack: AsyncExitStack) -> Toolbox:
        bench = self.workbench
        python: PythonRunner | None = None
        if bench.sandboxes is not None:
            runner = SandboxPython(bench.sandboxes, bench.limits, bench.python_timeout_s)
            python = await stack.enter_async_context(runner)
        return Toolbox(bench.engine, bench.library, python, bench.extent)
