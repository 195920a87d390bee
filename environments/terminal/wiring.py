"""Puts a terminal environment together from its settings."""

from environments.context import KeepAll
from environments.host import Host
from environments.terminal.agents import BashAgent
from environments.terminal.attempts import Attempts
from environments.terminal.environment import VERSION, TerminalFamily
from environments.terminal.settings import TerminalSettings
from environments.terminal.tasks import load_tasks
from services.contracts.environment import Manifest


def terminal_family(host: Host, settings: TerminalSettings) -> TerminalFamily:
    """Errors: Refused if a task directory is not in order."""
    tasks = load_tasks(host.tasks_dir, host.sandboxes)
    manifest = Manifest(
        name=host.name,
        version=VERSION,
        description="Tasks of a terminal, as Harbor directories, solved with a bash tool.",
        splits=tasks.counts(),
        capacity=host.capacity,
        reward_components=("reward",),
    )
    rules = settings.rules
    agent = BashAgent(host.client, rules, host.metrics, KeepAll())
    attempts = Attempts(host.sandboxes, rules, host.metrics, host.artifacts, host.name)
    return TerminalFamily(manifest, tasks, agent, attempts)
