"""One attempt at a task, whoever the agent is: step by step, each graded where the agent cannot reach."""

import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

from environments.artifacts import Artifacts
from environments.ending import Ending
from environments.family import Play, Scored
from environments.metrics import EnvironmentMetrics
from environments.overrun import Overran, of_the_agent, overran
from environments.terminal.agents import Agent, Assignment
from environments.terminal.evidence import for_people, put_in_place
from environments.terminal.harbor.step import Step
from environments.terminal.preparation import Left, begin, leave, prepare
from environments.terminal.reward import Verdict, combined
from environments.terminal.rules import Rules
from environments.terminal.tasks import TerminalTask
from environments.terminal.verification import verify
from services.contracts.cause import Cause
from services.contracts.outcome import Artifact
from services.sandbox.port import Sandbox, Sandboxes

_SHOWN = 2_000
_OPENING_S = 5.0  # of the sandbox that a step is graded in, and of bringing files there
_MOST_OF_IT = 0.6  # of what is left of a rollout, kept for grading


@dataclass(frozen=True)
class Graded:
    """A step that is over."""

    step: Step
    ending: Ending
    verdict: Verdict
    printed: str
    kept: tuple[Artifact, ...]
    labels: tuple[str, ...]

    @property
    def details(self) -> dict[str, Any]:
        said = {"said": self.ending.words[-_SHOWN:]} if self.ending.words else {}
        return {**self.ending.details, **said, "tests": self.printed}


@dataclass(frozen=True)
class Attempts:
    """What every attempt shares; `artifacts` keeps the files that tasks want collected."""

    sandboxes: Sandboxes
    rules: Rules
    metrics: EnvironmentMetrics
    artifacts: Artifacts | None
    environment: str = "terminal"

    async def run(self, task: TerminalTask, agent: Agent, play: Play) -> Scored:
        """Errors: Failure with cause engine, sandbox, environment (task) or verifier: then no reward."""
        try:
            return await self._played(task, agent, play)
        except Overran as why:
            return overran(why, ("reward",))

    async def _played(self, task: TerminalTask, agent: Agent, play: Play) -> Scored:
        done: list[Graded] = []
        async with AsyncExitStack() as beside, AsyncExitStack() as stack:
            limits, labels = task.limits(self.rules.output_bytes), self._labels(play)
            company = self.sandboxes.accompanied(replace(task.blueprint, labels=labels), limits)
            blueprint = await beside.enter_async_context(company)
            sandbox = await stack.enter_async_context(self.sandboxes.open(blueprint, limits))
            since = time.time()
            await begin(sandbox, task)
            for place, step in enumerate(task.steps):
                last = place == len(task.steps) - 1
                await prepare(sandbox, task, step)
                with of_the_agent():
                    ending = await agent.solve(self._assignment(sandbox, task, step, play, done))
                    left = await leave(sandbox, step, ending, since, last=last)
                if last:
                    await stack.aclose()  # nothing of the agent lives on while the end is graded
                done.append(await self._grade(task, step, ending, left, play, blueprint.company))
                if not step.passed(done[-1].verdict.components):
                    break
        return _scored(task, done)

    def _assignment(
        self, sandbox: Sandbox, task: TerminalTask, step: Step, play: Play, done: list[Graded]
    ) -> Assignment:
        """Time is kept for all steps that are still to be graded, though the agent has its part of little."""
        reserve = sum(self._reserve(step) for step in task.steps[len(done) :])
        until = play.deadline - min(reserve, play.seconds_left * _MOST_OF_IT)
        if step.agent_s is not None:
            until = min(until, time.monotonic() + step.agent_s)
        spent = done[-1].ending.sampled_tokens if done else 0
        return Assignment(sandbox, task, step, play, until, spent)

    def _reserve(self, step: Step) -> float:
        if self.rules.grading_reserve_s is not None:
            return self.rules.grading_reserve_s
        return _OPENING_S + step.grading.timeout_s

    def _labels(self, play: Play) -> Mapping[str, str]:
        """For finding a rollout's sandboxes."""
        attempt = str(play.attempt)
        return {"environment": self.environment, "rollout": play.rollout_id, "attempt": attempt}

    async def _grade(
        self, task: TerminalTask, step: Step, ending: Ending, left: Left, play: Play, company: str | None
    ) -> Graded:
        with self.metrics.phase("verify"):
            verdict, printed = await self._verdict(task, step, left, play, company)
        files = for_people(left.artifacts) if self.artifacts else None
        name, kept = f"artifacts-{task.steps.index(step) + 1}.tar", tuple[Artifact, ...]()
        if files and self.artifacts:
            kept = self.artifacts.keep(play.rollout_id, play.attempt, {name: files})
        return Graded(step, ending, verdict, printed, kept, left.labels)

    async def _verdict(
        self, task: TerminalTask, step: Step, left: Left, play: Play, company: str | None
    ) -> tuple[Verdict, str]:
        """In a copy of what the agent left, or in the verifier's own sandbox with the collected files.

        A copy stands beside the services that the agent had, as it left them.
        """
        blueprint, limits = task.verifier(step, self.rules.verifier_output_bytes)
        blueprint = replace(blueprint, labels=self._labels(play))
        separate = step.grading.own is not None
        if not separate:
            blueprint = replace(blueprint, company=company)
        async with AsyncExitStack() as stack:
            with of_the_agent():
                sandbox = await stack.enter_async_context(self.sandboxes.open(blueprint, limits, left.tree))
                if separate:
                    await put_in_place(sandbox, left.artifacts, task.root)
            return await verify(sandbox, step.grading, task.root)


def _scored(task: TerminalTask, done: list[Graded]) -> Scored:
    verdict = combined([graded.verdict for graded in done], task.config.multi_step_reward_strategy)
    out_of_budget = any(graded.ending.cause is Cause.BUDGET for graded in done)
    details: dict[str, Any] = {**done[-1].details, "task": task.title}
    if task.lacks_network:
        details["network"] = "none: the task says nothing of it, and these sandboxes have none"
    if len(task.steps) > 1:
        details["steps"] = [
            {"step": graded.step.name, "rewards": dict(graded.verdict.components), **graded.details}
            for graded in done
        ]
    return Scored(
        Cause.BUDGET if out_of_budget else Cause.COMPLETED,
        verdict.reward,
        dict(verdict.components),
        details,
        labels=tuple(dict.fromkeys(label for graded in done for label in graded.labels)),
        artifacts=tuple(artifact for graded in done for artifact in graded.kept),
    )
