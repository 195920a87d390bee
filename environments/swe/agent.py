"""What solves a task: our bash loop, or somebody else's program; each at one sandbox and one model."""

from dataclasses import dataclass
from typing import Protocol

import httpx

from environments.agent import Agent as ToolLoop
from environments.bash import PROMPT, BashTools
from environments.chat import Chat
from environments.ending import Ending
from environments.family import Progress
from environments.metrics import EnvironmentMetrics
from environments.swe.rules import Rules
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
    """One bash tool in a persistent shell."""

    client: httpx.AsyncClient
    rules: Rules
    metrics: EnvironmentMetrics

    async def solve(self, assignment: Assignment) -> Ending:
        tools = BashTools(assignment.sandbox, self.rules.command_timeout_s)
        chat = Chat(self.client, assignment.model, tools.schemas)
        loop = ToolLoop(chat, tools, PROMPT, self.rules, assignment.progress, self.metrics)
        return await loop.solve(assignment.instruction, assignment.until)
