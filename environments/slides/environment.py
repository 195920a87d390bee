"""The slides family: one rollout is a brief, pages written with tools, and a measured reward."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import httpx

from environments.family import Progress, Scored
from environments.metrics import EnvironmentMetrics
from environments.slides.agent import Played, SlidesAgent
from environments.slides.artifacts import Artifacts
from environments.slides.deck import Deck
from environments.slides.grading import Graded, Studio
from environments.slides.rendering.pool import RenderPool
from environments.slides.rules import Rules
from environments.slides.tasks import SlidesTasks
from environments.slides.tools.toolbox import Toolbox
from environments.terminal.chat import Chat
from services.contracts.cause import Cause
from services.contracts.environment import Manifest, ModelAccess, TaskCard, TaskRef
from services.contracts.words import new_id
from services.kit.failure import Failure

VERSION = "1"


@dataclass(frozen=True)
class SlidesFamily:
    """Implements `environments.family.Family`. The pool must be entered before rollouts run."""

    manifest: Manifest
    tasks: SlidesTasks
    pool: RenderPool
    artifacts: Artifacts
    client: httpx.AsyncClient
    rules: Rules
    metrics: EnvironmentMetrics

    def card(self, task: TaskRef) -> TaskCard:
        return self.tasks.card(task)

    async def run(self, task: TaskRef, model: ModelAccess, deadline: float, progress: Progress) -> Scored:
        """Errors: Failure with cause engine, sandbox (browser) or verifier (not graded in time)."""
        deck, studio = self.tasks.find(task), Studio(self.pool)
        tools = Toolbox(studio, self.rules.html_bytes)
        agent = SlidesAgent(Chat(self.client, model, tools.schemas), tools, self.rules, self.metrics)
        played = await agent.play(deck.instruction, deadline - self._reserve_s(deadline), progress)
        with self.metrics.phase("verify"):
            graded = await self._graded(studio, deck, tools.pages, deadline)
            name = f"{task.split}-{task.index}-{new_id()}"
            kept = await asyncio.to_thread(self.artifacts.keep, name, graded.screenshots)
        details = {**_details(played, graded), "screenshots": kept}
        return Scored(played.cause, graded.components["reward"], graded.components, details)

    def _reserve_s(self, deadline: float) -> float:
        return min(self.rules.grade_reserve_s, (deadline - time.monotonic()) / 4)

    async def _graded(self, studio: Studio, deck: Deck, pages: dict[int, str], deadline: float) -> Graded:
        seconds = deadline - time.monotonic() - self.rules.report_reserve_s
        try:
            async with asyncio.timeout(seconds) as limit:
                return await studio.grade(deck, pages)
        except TimeoutError:
            if not limit.expired():
                raise
            raise Failure("the pages were not graded in time", cause=Cause.VERIFIER) from None


def _details(played: Played, graded: Graded) -> dict[str, Any]:
    return {
        "ended": played.reason,
        "sampled_tokens": played.sampled_tokens,
        "tools": dict(played.tools),
        "refusals": {str(number): reason for number, reason in graded.refusals.items()},
        "labels": list(graded.labels),
    }
