"""The slides agent: tool calls until it stops or a budget is used up."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

from environments.family import Progress
from environments.metrics import EnvironmentMetrics
from environments.slides.prompt import SYSTEM_PROMPT
from environments.slides.rules import Rules
from environments.slides.tools.toolbox import Toolbox
from environments.terminal.chat import Chat, Message, OutOfContext, Reply
from services.contracts.cause import Cause

_UNREADABLE = "<tool_call>"  # a call that was meant as one, but that nobody could parse, comes as text
_ADVICE = "The tool call could not be read. Call a tool with a JSON object of its arguments."


@dataclass
class Played:
    """Why the agent stopped, and which tools it used."""

    cause: Cause = Cause.BUDGET
    reason: str = "turns"
    sampled_tokens: int = 0
    tools: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class SlidesAgent:
    """Plays one task with one model; what it leaves is in the toolbox."""

    chat: Chat
    tools: Toolbox
    rules: Rules
    metrics: EnvironmentMetrics

    async def play(self, instruction: str, until: float, progress: Progress) -> Played:
        """Until `time.monotonic()` is `until`. Errors: Failure of the model or the browser."""
        played = Played()
        try:
            async with asyncio.timeout(until - time.monotonic()) as limit:
                await self._converse(instruction, progress, played)
        except OutOfContext:
            played.reason = "context"
        except TimeoutError:
            if not limit.expired():
                raise
            played.reason = "time"
        return played

    async def _converse(self, instruction: str, progress: Progress, played: Played) -> None:
        messages: list[Message] = [
            {"role": "system", "content": SYSTEM_PROMPT},
            {"role": "user", "content": instruction},
        ]
        while progress.turns < self.rules.max_turns:
            with self.metrics.phase("model"):
                reply = await self.chat.complete(messages, self.rules.max_tokens - played.sampled_tokens)
            progress.turns += 1
            played.sampled_tokens += reply.sampled_tokens
            if reply.cut_off or played.sampled_tokens >= self.rules.max_tokens:
                played.reason = "tokens"
                return
            if not reply.calls and _UNREADABLE not in str(reply.message.get("content")):
                played.cause, played.reason = Cause.COMPLETED, "the agent was done"
                return
            messages += [reply.message, *await self._observe(reply, played)]

    async def _observe(self, reply: Reply, played: Played) -> list[Message]:
        if not reply.calls:
            return [{"role": "user", "content": _ADVICE}]
        observed: list[Message] = []
        for call in reply.calls:
            played.tools[call.name if call.name in self.tools.names else "unknown"] += 1
            with self.metrics.phase("command"):
                text = await self.tools.call(call.name, call.arguments)
            observed.append({"role": "tool", "tool_call_id": call.id, "content": text})
        return observed
