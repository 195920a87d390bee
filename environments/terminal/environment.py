"""The terminal family: an agent with a bash tool in a sandbox, scored by the task's own tests in another."""

from dataclasses import dataclass

from environments.family import Play, Scored
from environments.terminal.agents import Agent
from environments.terminal.attempts import Attempts
from environments.terminal.tasks import TerminalTasks
from services.contracts.environment import Manifest, TaskCard, TaskRef

VERSION = "0.2.0"


@dataclass(frozen=True)
class TerminalFamily:
    """Implements `environments.family.Family`."""

    manifest: Manifest
    tasks: TerminalTasks
    agent: Agent
    attempts: Attempts

    def card(self, task: TaskRef) -> TaskCard:
        return self.tasks.card(task)

    async def run(self, play: Play) -> Scored:
        return await self.attempts.run(self.tasks.find(play.task), self.agent, play)
