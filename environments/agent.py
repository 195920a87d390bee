"""The agent of every family: asks the model and carries out its tool calls, until it stops or may no more."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from environments.chat import Chat, OutOfContext, Reply
from environments.context import ContextManagement, KeepAll
from environments.ending import Ending, Span
from environments.family import Progress
from environments.message import Message, Tool
from environments.metrics import EnvironmentMetrics
from services.contracts.cause import Cause
from services.kit.failure import Failure


class Tools(Protocol):
    """What an agent can do. A wrong call is told to the model; a broken platform is a Failure."""

    @property
    def schemas(self) -> list[Tool]: ...

    async def call(self, name: str, arguments: str) -> str:
        """The text of the tool message."""


class Budget(Protocol):
    """How far a rollout may go besides its time: model calls, sampled tokens."""

    @property
    def max_turns(self) -> int: ...
    @property
    def max_tokens(self) -> int: ...


@dataclass(frozen=True)
class Prompt:
    """The system message, and what is said to a tool call that nobody could parse."""

    system: str
    advice: str


def _never() -> bool:
    return False


def _no_tool(name: str) -> bool:
    return False


@dataclass
class Agent:
    """One conversation about one task.

    `over`: asked after tools were called, whether the task leaves nothing to do.
    `outside`: whether a tool's time is that of a server and not of what the agent had it do: a call that
    is not answered when time is up is then a failure, and no budget that was used up.
    `said`: what the model and its tools said, whole, in order, whatever the context still holds of it.
    """

    chat: Chat
    tools: Tools
    prompt: Prompt
    budget: Budget
    progress: Progress
    metrics: EnvironmentMetrics
    context: ContextManagement = field(default_factory=KeepAll)
    over: Callable[[], bool] = _never
    outside: Callable[[str], bool] = _no_tool
    calling: str = ""  # the tool that has not answered yet
    said: list[Message] = field(default_factory=list)
    sampled_tokens: int = 0
    context_tokens: int = 0
    rewrites: int = 0
    called: Counter[str] = field(default_factory=Counter)
    spans: list[Span] = field(default_factory=list)

    async def solve(self, instruction: str, until: float) -> Ending:
        """Work on the task until `time.monotonic()` is `until`. Errors: Failure of model or tools."""
        system: Message = {"role": "system", "content": self.prompt.system}
        return await self.go_on([system, {"role": "user", "content": instruction}], until)

    async def go_on(self, messages: list[Message], until: float) -> Ending:
        """The same, from a conversation that has begun."""
        try:
            async with asyncio.timeout(until - time.monotonic()) as limit:
                return await self._converse(messages)
        except OutOfContext:
            return self._ending(Cause.BUDGET, "context")
        except TimeoutError:
            if not limit.expired():
                raise
            if self.chat.away is not None:  # not the agent's doing
                detail = f"the model could not be reached until time was up: {self.chat.away!r}"
                raise Failure(detail, cause=Cause.ENGINE) from None
            if self.calling and self.outside(self.calling):
                detail = f"the tool {self.calling} had not answered when time was up"
                raise Failure(detail, cause=Cause.ENVIRONMENT) from None
            return self._ending(Cause.BUDGET, "time")

    async def _converse(self, messages: list[Message]) -> Ending:
        while self.progress.turns < self.budget.max_turns:
            if self.sampled_tokens >= self.budget.max_tokens:  # spent before this conversation
                return self._ending(Cause.BUDGET, "tokens")
            messages = self._fitted(messages)
            reply = await self._ask(messages)
            if reply.cut_off:
                return self._ending(Cause.BUDGET, "tokens", reply)
            if not reply.calls and not reply.unreadable:
                return self._ending(Cause.COMPLETED, "the agent was done", reply)
            if self.sampled_tokens >= self.budget.max_tokens:
                return self._ending(Cause.BUDGET, "tokens")
            answers = await self._answers(reply)
            self.said += answers
            if self.over():
                return self._ending(Cause.COMPLETED, "the task was over")
            messages = [*messages, reply.message, *answers]
        return self._ending(Cause.BUDGET, "turns")

    def _fitted(self, messages: list[Message]) -> list[Message]:
        fitted = self.context.fit(messages, self.context_tokens)
        self.rewrites += fitted != messages
        return fitted

    async def _ask(self, messages: list[Message]) -> Reply:
        with self.metrics.phase("model"):
            reply = await self.chat.complete(messages, self.budget.max_tokens - self.sampled_tokens)
        self.progress.turns += 1
        self.sampled_tokens += reply.sampled_tokens
        self.context_tokens = reply.context_tokens
        self.said.append(reply.message)
        return reply

    async def _answers(self, reply: Reply) -> list[Message]:
        if not reply.calls:
            return [{"role": "user", "content": self.prompt.advice}]
        known = {tool["function"]["name"] for tool in self.tools.schemas}
        answers: list[Message] = []
        for call in reply.calls:
            name = call.name if call.name in known else "unknown"
            self.called[name] += 1
            started_at, started = time.time(), time.monotonic()
            self.calling = name
            with self.metrics.phase("command"):
                text = await self.tools.call(call.name, call.arguments)
            self.calling = ""
            self.spans.append(Span(name, started_at, round(time.monotonic() - started, 6)))
            answers.append({"role": "tool", "tool_call_id": call.id, "content": _sendable(text)})
        return answers

    def _ending(self, cause: Cause, reason: str, last: Reply | None = None) -> Ending:
        words = last.words if last is not None and not last.calls else ""
        return Ending(
            cause, reason, self.sampled_tokens, words, dict(self.called), self.rewrites, tuple(self.spans)
        )


def _sendable(text: str) -> str:
    """A tool's text as UTF-8 can carry it: a server may answer with half of a surrogate pair."""
    return text.encode(errors="replace").decode()
