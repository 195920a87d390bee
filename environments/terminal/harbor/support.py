"""What of Harbor is not to be had here: refused when a task is read, by file and field, with what to do."""

from collections.abc import Iterator
from pathlib import Path

from environments.terminal.harbor.config import TaskConfig
from environments.terminal.harbor.tables import MAIN, EnvironmentTable, NetworkFields
from services.kit.failure import Refused

Lack = tuple[str, object, str]  # field, its value, what to do

_DOCKER = "use Docker for this task"
_BASH = "remove it: the agent has a bash tool and nothing else"


def refuse_unsupported(task: Path, config: TaskConfig) -> None:
    """Errors: Refused for the first thing that nobody here would heed."""
    for path, lack in _files(task):
        raise Refused(f"{path} is not supported", field=path.name, remedy=lack)
    for field, value, remedy in _fields(config):
        raise Refused(
            f"{task / 'task.toml'}: {field} = {value!r} is not supported",
            field=field,
            value=value,
            remedy=remedy,
        )


def _files(task: Path) -> Iterator[tuple[Path, str]]:
    for path in (*task.glob("trajectory.json"), *task.glob("steps/*/trajectory.json")):
        yield path, "remove it: agents begin with the instruction"
    for folder in (task / "environment", task / "tests", *task.glob("steps/*/tests")):
        for path in folder.glob("docker-compose.y*ml"):
            yield path, _DOCKER


def _fields(config: TaskConfig) -> Iterator[Lack]:
    yield from _environment("environment", config.environment)
    yield from _phase("agent", config.agent)
    verifiers = [("verifier", config.verifier), *(("steps.verifier", one.verifier) for one in config.steps)]
    for name, table in verifiers:
        yield from _phase(name, table)
        if table.environment is not None:
            yield from _environment(f"{name}.environment", table.environment)
        for hook in table.collect:
            yield from _given(f"{name}.collect.service", hook.service != MAIN and hook.service, _DOCKER)
            yield from _given(f"{name}.collect.user", hook.user, _DOCKER)
    for step in config.steps:
        yield from _phase("steps.agent", step.agent)
    for artifact in (*config.artifacts, *(one for step in config.steps for one in step.artifacts)):
        yield from _given("artifacts.service", artifact.service != MAIN and artifact.service, _DOCKER)


def _environment(name: str, table: EnvironmentTable) -> Iterator[Lack]:
    if table.os.lower() != "linux":
        yield f"{name}.os", table.os, "only linux can be had"
    yield from _given(f"{name}.gpus", table.gpus, "remove it: sandboxes have no accelerator")
    yield from _given(f"{name}.tpu", table.tpu, "remove it: sandboxes have no accelerator")
    yield from _given(f"{name}.mcp_servers", table.mcp_servers, _BASH)
    yield from _given(f"{name}.skills_dir", table.skills_dir, _BASH)
    yield from _given(f"{name}.docker_image", table.docker_image, _DOCKER)
    yield from _network(name, table)


def _phase(name: str, table: NetworkFields) -> Iterator[Lack]:
    yield from _given(f"{name}.user", getattr(table, "user", None), _DOCKER)
    yield from _network(name, table)


def _network(name: str, table: NetworkFields) -> Iterator[Lack]:
    if table.network_mode not in (None, "no-network"):
        yield f"{name}.network_mode", table.network_mode, _DOCKER


def _given(field: str, value: object, remedy: str) -> Iterator[Lack]:
    """What is false asks for nothing; user 0 does."""
    if value or (value == 0 and value is not False and field.endswith("user")):
        yield field, value, remedy
