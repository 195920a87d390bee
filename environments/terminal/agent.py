"""The terminal agent: asks the model, runs its bash commands, until it stops or its budget is spent."""

import asyncio
import time
from dataclasses import dataclass

from environments.family import Progress
from environments.metrics import EnvironmentMetrics
from environments.terminal.chat import Chat, Message, OutOfContext, Reply, ToolCall
from environments.terminal.prompt import SYSTEM_PROMPT, tool_reply
from environments.terminal.rules import Rules
from services.contracts.cause import Cause
from services.sandbox.port import CommandResult, Sandbox

_USAGE_ERROR = 2
_UNREADABLE = (
    "The tool call could not be read. Call the bash tool with a JSON object that has a text 'command'."
)


@dataclass(frozen=True)
class Ending:
    """Why the agent stopped: `completed`, or `budget` with what ran out."""

    cause: Cause
    reason: str
    sampled_tokens: int


@dataclass
class Agent:
    """One conversation about one task in one sandbox."""

    chat: Chat
    sandbox: Sandbox
    rules: Rules
    progress: Progress
    metrics: EnvironmentMetrics
    sampled_tokens: int = 0

    async def solve(self, instruction: str, until: float) -> Ending:
        """Work on the task until `time.monotonic()` is `until`. Errors: Failure of model or sandbox."""
        try:
            async with asyncio.timeout(until - time.monotonic()) as limit:
                return await self._converse(instruction)
        except OutOfContext:
            return self._ending(Cause.BUDGET, "context")
        except TimeoutError:
            if not limit.expired():
                raise
            return self._ending(Cause.BUDGET, "time")

    async def _converse(self, instruction: str) -> Ending:
        messages: list[Message] = [
            {"role": "system", "content": SYSTEM_PROMPT},
            {"role": "user", "content": instruction},
        ]
        while self.progress.turns < self.rules.max_turns:
            reply = await self._ask(messages)
            messages.append(reply.message)
            if reply.cut_off or self.sampled_tokens >= self.rules.max_tokens:
                return self._ending(Cause.BUDGET, "tokens")
            if not reply.calls and not _unreadable(reply):
                return self._ending(Cause.COMPLETED, "the agent was done")
            messages += await self._answers(reply)
        return self._ending(Cause.BUDGET, "turns")

    async def _ask(self, messages: list[Message]) -> Reply:
        with self.metrics.phase("model"):
            reply = await self.chat.complete(messages, self.rules.max_tokens - self.sampled_tokens)
        self.progress.turns += 1
        self.sampled_tokens += reply.sampled_tokens
        return reply

    async def _answers(self, reply: Reply) -> list[Message]:
        if not reply.calls:
            return [{"role": "user", "content": _UNREADABLE}]
        return [
            {"role": "tool", "tool_call_id": call.id, "content": await self._answer(call)}
            for call in reply.calls
        ]

    async def _answer(self, call: ToolCall) -> str:
        try:
            command = call.command()
        except ValueError as error:
            return tool_reply(f"error: {error}", _USAGE_ERROR)
        with self.metrics.phase("command"):
            result = await self.sandbox.run(command, self.rules.command_timeout_s)
        return tool_reply(_shown(result, self.rules.command_timeout_s), result.exit_code)

    def _ending(self, cause: Cause, reason: str) -> Ending:
        return Ending(cause, reason, self.sampled_tokens)


def _shown(result: CommandResult, timeout_s: float) -> str:
    if not result.timed_out:
        return result.output
    gap = "" if not result.output or result.output.endswith("\n") else "\n"
    return f"{result.output}{gap}[stopped after {timeout_s:g} s; the shell was started again]"


def _unreadable(reply: Reply) -> bool:
    """A call that was meant as one, but that nobody could parse, comes as text."""
    return "<tool_call>" in (reply.message.get("content") or "")
