"""What the sandboxes of a task are made of; what a kind of sandbox cannot do is refused by its field."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from environments.terminal.harbor.config import TaskConfig
from environments.terminal.harbor.grading import Grading
from environments.terminal.harbor.tables import EnvironmentTable, NetworkFields
from environments.terminal.harbor.values import User
from services.kit.failure import Refused
from services.sandbox.port import IMAGE_USER, Blueprint, Network, NetworkMode, Sandboxes, Tier

_MODES = {
    "public": NetworkMode.PUBLIC,
    "no-network": NetworkMode.NONE,
    "allowlist": NetworkMode.ALLOWLIST,
}
_COMPOSE = ("docker-compose.yaml", "docker-compose.yml")
# What Harbor means where a task says nothing; a kind of sandbox that has none goes without.
_UNSAID: Mapping[str, Any] = {"user": IMAGE_USER, "network": Network(NetworkMode.PUBLIC)}


def agents_blueprint(task: Path, config: TaskConfig, sandboxes: Sandboxes) -> Blueprint:
    """Of the sandbox that the agent works in. Errors: Refused."""
    phases = {"agent": config.agent, "environment": config.environment}
    return _checked(
        task,
        task / "environment",
        config.environment,
        phases,
        ("agent.user", config.agent.user),
        config.tier,
        sandboxes,
    )


def verifiers_blueprint(task: Path, config: TaskConfig, grading: Grading, sandboxes: Sandboxes) -> Blueprint:
    """Of the sandbox that a step is graded in; a step's own table comes before the task's."""
    own, said = grading.own, tuple(reversed(grading.tables))
    folder, table = (task / "environment", config.environment) if own is None else (own.folder, own.table)
    names = ("verifier",) if len(said) == 1 else ("steps.verifier", "verifier")
    phases: dict[str, NetworkFields] = dict(zip(names, said, strict=True))
    phases["environment" if table == config.environment else "verifier.environment"] = table
    user = next((one.user for one in said if one.user is not None), None)
    return _checked(task, folder, table, phases, ("verifier.user", user), config.tier, sandboxes)


def refuse_another_network(task: Path, agents: Blueprint, verifiers: Blueprint) -> None:
    """Errors: Refused, where services beside both sandboxes are to have two networks."""
    if agents.compose is not None and verifiers.network != agents.network:
        detail = f"{task / 'task.toml'}: verifier.network_mode = {verifiers.network.mode.value!r}, where"
        raise Refused(
            f"{detail} services of {agents.compose.name} stand in the agent's network",
            field="verifier.network_mode",
            value=verifiers.network.mode.value,
            remedy="give both the same, or the verifier an environment of its own",
        )


def _checked(
    task: Path,
    folder: Path,
    table: EnvironmentTable,
    phases: Mapping[str, NetworkFields],
    user: tuple[str, User | None],
    tier: Tier,
    sandboxes: Sandboxes,
) -> Blueprint:
    """The network is that of the first phase which says something of it; the last one is `table`'s own."""
    phase = next((name for name, one in phases.items() if one.network_mode is not None), None)
    *_, own = phases
    compose = next((path for name in _COMPOSE if (path := folder / name).exists()), None)
    names = {
        "image": f"{own}.docker_image",
        "user": user[0],
        "network": f"{phase}.network_mode",
        "hosts": f"{phase}.allowed_hosts",
        "tier": "metadata.isolation",
    }
    with _named(task / "task.toml", names, compose):
        asked = Blueprint(
            folder, table.workdir, table.env, image=table.docker_image, compose=compose, tier=tier
        )
        unsaid = dict(_UNSAID)
        if user[1] is not None:
            asked = replace(asked, user=str(user[1]))
            del unsaid["user"]
        if phase is not None:
            asked = replace(asked, network=_network(phases[phase]))
            del unsaid["network"]
        sandboxes.check(asked)
        return _with_what_there_is(asked, unsaid, sandboxes)


def _network(said: NetworkFields) -> Network:
    return Network(_MODES[said.network_mode or "public"], said.allowed_hosts or ())


def _with_what_there_is(asked: Blueprint, unsaid: Mapping[str, Any], sandboxes: Sandboxes) -> Blueprint:
    for field, value in unsaid.items():
        wished = replace(asked, **{field: value})
        try:
            sandboxes.check(wished)
        except Refused as refused:
            if refused.field != field:
                raise
        else:
            asked = wished
    return asked


@contextmanager
def _named(path: Path, names: Mapping[str, str], compose: Path | None) -> Iterator[None]:
    """Refusals speak of the task's fields and files in place of a blueprint's."""
    try:
        yield
    except Refused as refused:
        if refused.field == "compose" and compose is not None:
            detail = f"{compose} is not supported in these sandboxes"
            raise Refused(detail, field=compose.name, remedy=refused.remedy) from None
        name = names.get(refused.field or "")
        if name is None:
            raise
        detail = f"{path}: {name} = {refused.value!r} is not supported in these sandboxes"
        raise Refused(detail, field=name, value=refused.value, remedy=refused.remedy) from None
