"""What of Harbor is not to be had here: refused when a task is read, by file and field, with what to do."""

from collections.abc import Iterator
from pathlib import Path

from environments.terminal.harbor.config import TaskConfig
from environments.terminal.harbor.tables import MAIN, AgentTable, EnvironmentTable
from services.kit.failure import Refused

Lack = tuple[str, object, str]  # field, its value, what to do

_BASH = "remove it: the agent has a bash tool and nothing else"
_ACCELERATOR = "remove it: sandboxes have no accelerator"
_SERVICE = f"let it be collected in the service {MAIN}"
_ONE = "give it to [agent]: all steps share one sandbox"


def refuse_unsupported(task: Path, config: TaskConfig) -> None:
    """Errors: Refused for the first thing that no kind of sandbox here would heed."""
    for folder in (task, *(task / "steps" / step.name for step in config.steps)):
        if (path := folder / "trajectory.json").exists():
            remedy = "remove it: agents begin with the instruction"
            raise Refused(f"{path} is not supported", field=path.name, remedy=remedy)
    for field, value, remedy in _fields(config):
        raise Refused(
            f"{task / 'task.toml'}: {field} = {value!r} is not supported",
            field=field,
            value=value,
            remedy=remedy,
        )


def _fields(config: TaskConfig) -> Iterator[Lack]:
    yield from _environment("environment", config.environment)
    verifiers = [("verifier", config.verifier), *(("steps.verifier", one.verifier) for one in config.steps)]
    for name, table in verifiers:
        if table.environment is not None:
            yield from _environment(f"{name}.environment", table.environment)
        for hook in table.collect:
            yield from _given(f"{name}.collect.service", hook.service != MAIN and hook.service, _SERVICE)
    for step in config.steps:
        yield from _agent(step.agent, config.agent)
    for artifact in (*config.artifacts, *(one for step in config.steps for one in step.artifacts)):
        yield from _given("artifacts.service", artifact.service != MAIN and artifact.service, _SERVICE)


def _environment(name: str, table: EnvironmentTable) -> Iterator[Lack]:
    if table.os.lower() != "linux":
        yield f"{name}.os", table.os, "only linux can be had"
    yield from _given(f"{name}.gpus", table.gpus, _ACCELERATOR)
    yield from _given(f"{name}.tpu", table.tpu, _ACCELERATOR)
    yield from _given(f"{name}.mcp_servers", table.mcp_servers, _BASH)
    yield from _given(f"{name}.skills_dir", table.skills_dir, _BASH)


def _agent(own: AgentTable, shared: AgentTable) -> Iterator[Lack]:
    """A step may say again what holds for all, and nothing else."""
    if own.user not in (None, shared.user):
        yield "steps.agent.user", own.user, _ONE
    if own.network_mode is not None and own.policy != shared.policy:
        yield "steps.agent.network_mode", own.network_mode, _ONE


def _given(field: str, value: object, remedy: str) -> Iterator[Lack]:
    if value:
        yield field, value, remedy
