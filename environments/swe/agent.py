"""What solves a task: our bash loop, or somebody else's program; each at one sandbox and one model."""

from dataclasses import dataclass, replace
from typing import Protocol

import httpx

from environments.family import Progress
from environments.metrics import EnvironmentMetrics
from environments.swe.rules import Rules
from environments.terminal.agent import Agent as BashLoop
from environments.terminal.agent import Ending
from environments.terminal.chat import Chat
from environments.terminal.prompt import BASH_TOOL
from environments.terminal.rules import Rules as LoopRules
from services.contracts.environment import ModelAccess
from services.sandbox.port import Sandbox


@dataclass(frozen=True)
class Assignment:
    """One task to one agent: `workdir` of the sandbox holds the repository; stop at `until` (monotonic)."""

    sandbox: Sandbox
    workdir: str
    instruction: str
    model: ModelAccess
    until: float
    progress: Progress


class Agent(Protocol):
    async def solve(self, assignment: Assignment) -> Ending:
        """How it ended; what it did is in the sandbox. Errors: Failure of model, sandbox or program."""


@dataclass(frozen=True)
class BashAgent:
    """The loop of the terminal family: one bash tool in a persistent shell."""

    client: httpx.AsyncClient
    rules: Rules
    metrics: EnvironmentMetrics

    async def solve(self, assignment: Assignment) -> Ending:
        chat = Chat(self.client, assignment.model, [BASH_TOOL])
        rules = replace(
            LoopRules(),
            max_turns=self.rules.max_turns,
            max_tokens=self.rules.max_tokens,
            command_timeout_s=self.rules.command_timeout_s,
            output_bytes=self.rules.output_bytes,
        )
        loop = BashLoop(chat, assignment.sandbox, rules, assignment.progress, self.metrics)
        return await loop.solve(assignment.instruction, assignment.until)
