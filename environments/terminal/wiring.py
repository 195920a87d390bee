"""Puts a terminal environment together from its settings."""

from environments.host import Host
from environments.terminal.environment import VERSION, TerminalFamily
from environments.terminal.rules import Rules
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
    rules = Rules(
        max_turns=settings.max_turns,
        max_tokens=settings.max_tokens,
        command_timeout_s=settings.command_timeout_s,
        output_bytes=settings.output_bytes,
    )
    return TerminalFamily(manifest, tasks, host.sandboxes, host.client, rules, host.metrics)
