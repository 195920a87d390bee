"""The search agent: tool calls until it answers or a budget is used up."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

from environments.family import Progress
from environments.search.context import ContextManagement
from environments.search.message import Message
from environments.search.metered import MeteredChat
from environments.search.prompt import SYSTEM_PROMPT
from environments.search.rules import Rules
from environments.search.tools.toolbox import Toolbox
from environments.terminal.chat import OutOfContext, Reply
from services.contracts.cause import Cause

_UNREADABLE = "<tool_call>"  # a call that was meant as one, but that nobody could parse, comes as text
_ADVICE = "The tool call could not be read. Call a tool with a JSON object that has its one argument."


@dataclass
class Played:
    """What an agent left: its last words ("" if it gave no answer), why it stopped, which tools it used."""

    words: str = ""
    cause: Cause = Cause.BUDGET
    tools: Counter[str] = field(default_factory=Counter)
    rewrites: int = 0


@dataclass(frozen=True)
class SearchAgent:
    """Plays one question with one model."""

    chat: MeteredChat
    tools: Toolbox
    context: ContextManagement
    rules: Rules

    async def play(self, question: str, deadline: float, progress: Progress) -> Played:
        """Errors: Failure of the model, a search engine or the sandbox. Running out of budget is no error."""
        played = Played()
        seconds = deadline - time.monotonic() - self.rules.judge_reserve_s
        try:
            async with asyncio.timeout(seconds) as limit:
                await self._converse(question, progress, played)
        except OutOfContext:
            pass
        except TimeoutError:
            if not limit.expired():
                raise
        return played

    async def _converse(self, question: str, progress: Progress, played: Played) -> None:
        messages: list[Message] = [
            {"role": "system", "content": SYSTEM_PROMPT},
            {"role": "user", "content": question},
        ]
        tokens = self.rules.max_tokens
        while progress.turns < self.rules.max_turns and tokens > 0:
            fitted = self.context.fit(messages, self.chat.context_tokens)
            played.rewrites += fitted != messages
            reply = await self.chat.complete(fitted, tokens)
            progress.turns += 1
            tokens -= reply.sampled_tokens
            if not reply.calls and _UNREADABLE not in str(reply.message.get("content")):
                played.words = str(reply.message.get("content") or "")
                played.cause = Cause.BUDGET if reply.cut_off else Cause.COMPLETED
                return
            messages = [*fitted, reply.message, *await self._observe(reply, played)]

    async def _observe(self, reply: Reply, played: Played) -> list[Message]:
        if not reply.calls:
            return [{"role": "user", "content": _ADVICE}]
        observed: list[Message] = []
        for call in reply.calls:
            played.tools[call.name if call.name in self.tools.names else "unknown"] += 1
            text = await self.tools.call(call.name, call.arguments)
            observed.append({"role": "tool", "tool_call_id": call.id, "content": text})
        return observed
