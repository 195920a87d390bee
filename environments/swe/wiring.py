"""Puts a software engineering environment together from its settings."""

from pathlib import Path

from environments.host import Host
from environments.swe.agent import Agent, BashAgent
from environments.swe.environment import VERSION, SweFamily
from environments.swe.mini.agent import MiniSweAgent
from environments.swe.released import write_tasks as write_released_tasks
from environments.swe.reward import COMPONENTS
from environments.swe.rules import Rules
from environments.swe.settings import SweSettings
from environments.swe.shipped import write_tasks as write_small_tasks
from environments.swe.tasks import load_tasks
from services.contracts.environment import Manifest


def swe_family(host: Host, settings: SweSettings) -> SweFamily:
    """The tasks that ship are written if there are none.

    Errors: Refused if a row or image cannot be used, Unavailable if a package cannot be fetched.
    """
    if not host.tasks_dir.exists():
        write_shipped(host.tasks_dir, settings)
    tasks = load_tasks(host.tasks_dir, host.sandboxes)
    rules = Rules(
        settings.max_turns,
        settings.max_tokens,
        settings.command_timeout_s,
        settings.output_bytes,
        settings.grading_reserve_s,
    )
    manifest = Manifest(
        name=host.name,
        version=VERSION,
        description="Repositories with a bug, graded by their tests from the diff alone.",
        splits=tasks.counts(),
        capacity=host.capacity,
        reward_components=COMPONENTS,
    )
    return SweFamily(manifest, tasks, host.sandboxes, _agent(host, settings, rules), rules, host.metrics)


def write_shipped(folder: Path, settings: SweSettings) -> None:
    """Those that the settings name. Errors: Unavailable if a package cannot be fetched."""
    (write_released_tasks if settings.tasks == "packages" else write_small_tasks)(folder)


def _agent(host: Host, settings: SweSettings, rules: Rules) -> Agent:
    if settings.mini_python is not None and settings.agent == "mini":
        return MiniSweAgent(settings.mini_python, rules, host.metrics)
    return BashAgent(host.client, rules, host.metrics)
