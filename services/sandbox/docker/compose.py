"""The part of a compose file that runs beside a sandbox: read strictly, what is not to be had is refused."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

from services.kit.failure import Refused
from services.sandbox.docker.compose_values import context_of, filled, words_of
from services.sandbox.docker.composition import MAIN_SERVICE, Composition, Main, Service
from services.sandbox.docker.health import Health
from services.sandbox.port import Blueprint

_NAME = re.compile(r"^[a-z0-9][a-z0-9_.-]*$", re.IGNORECASE)
_IDLE = re.compile(r"sleep\s+infinity|tail\s+-f\s+/dev/null")
_TOP = frozenset({"services", "version", "name"})
_OF_MAIN = frozenset(
    {"build", "image", "environment", "working_dir", "depends_on", "command", "init", "tty", "stdin_open"}
)
_OF_SERVICE = frozenset(
    {"build", "image", "environment", "working_dir", "depends_on", "command", "entrypoint", "healthcheck"}
    | {"user", "expose"}
)
_CONDITIONS = frozenset({"service_started", "service_healthy", "service_completed_successfully"})


def read_composition(path: Path, env: Mapping[str, str]) -> Composition:
    """`env` is what variables of the file stand for. Errors: Refused, by service and key."""
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _refused(path, f"it cannot be read: {error}") from None
    return _Reader(path, env).composition(content)


def with_its_main(blueprint: Blueprint) -> Blueprint:
    """The blueprint with what its compose file says of the sandbox itself. Errors: Refused."""
    if blueprint.compose is None:
        return blueprint
    main = read_composition(blueprint.compose, blueprint.env).main
    return replace(
        blueprint,
        image=blueprint.image or main.image,
        workdir=blueprint.workdir or main.workdir,
        env={**main.env, **blueprint.env},
    )


@dataclass(frozen=True)
class _Reader:
    path: Path
    env: Mapping[str, str]

    def composition(self, content: Any) -> Composition:
        top = self._table("the file", content, _TOP)
        services = {name: self._named(name, said) for name, said in self._mapping("services", top).items()}
        main = services.pop(MAIN_SERVICE, {})
        self._table(MAIN_SERVICE, main, _OF_MAIN)
        command = words_of(main.get("command"))
        if command is not None and not _IDLE.search(" ".join(command)):
            raise _refused(self.path, f"{MAIN_SERVICE}.command: a sandbox runs the agent's commands alone")
        if context_of(main.get("build")) not in (None, "."):
            raise _refused(
                self.path, f"{MAIN_SERVICE}.build: the Dockerfile beside the file is what is built"
            )
        read = {name: self._service(name, said) for name, said in services.items()}
        return Composition(
            Main(self._text(main.get("image")), self._env(MAIN_SERVICE, main), main.get("working_dir")),
            tuple(read[name] for name in self._order(read)),
        )

    def _service(self, name: str, said: Mapping[str, Any]) -> Service:
        self._table(name, said, _OF_SERVICE)
        context = context_of(said.get("build"))
        if (context is None) == ("image" not in said):
            raise _refused(self.path, f"{name} needs either an image or a folder to build")
        return Service(
            name=name,
            image=self._text(said.get("image")),
            folder=None if context is None else self._folder(name, context),
            env=self._env(name, said),
            workdir=said.get("working_dir"),
            user=None if said.get("user") is None else str(said["user"]),
            command=self._texts(words_of(said.get("command"))),
            entrypoint=self._texts(words_of(said.get("entrypoint"))),
            health=self._health(name, said.get("healthcheck")),
            after=self._after(name, said.get("depends_on")),
        )

    def _named(self, name: str, said: Any) -> Mapping[str, Any]:
        if not _NAME.match(str(name)):
            raise _refused(self.path, f"services.{name}: it is no name")
        return self._mapping(name, {name: said})

    def _mapping(self, key: str, table: Mapping[str, Any]) -> Mapping[str, Any]:
        found = table.get(key) or {}
        if not isinstance(found, dict):
            raise _refused(self.path, f"{key} is no table")
        return found

    def _table(self, name: str, said: Any, known: frozenset[str]) -> Mapping[str, Any]:
        if not isinstance(said, dict):
            raise _refused(self.path, f"{name} is no table")
        unknown = [key for key in said if key not in known and not str(key).startswith("x-")]
        if unknown:
            raise _refused(self.path, f"{name}.{unknown[0]} is not supported")
        return said

    def _folder(self, name: str, context: str) -> Path:
        folder = (self.path.parent / context).resolve()
        if not folder.is_relative_to(self.path.parent.resolve()):
            raise _refused(self.path, f"{name}.build: {context} is not below the file")
        if not (folder / "Dockerfile").is_file():
            raise _refused(self.path, f"{name}.build: there is no {context}/Dockerfile")
        return folder

    def _env(self, name: str, said: Mapping[str, Any]) -> dict[str, str]:
        given = said.get("environment") or {}
        if isinstance(given, list):
            given = dict(str(entry).partition("=")[::2] for entry in given)
        if not isinstance(given, dict):
            raise _refused(self.path, f"{name}.environment is neither a table nor a list")
        return {str(key): self._filled("" if value is None else str(value)) for key, value in given.items()}

    def _health(self, name: str, said: Any) -> Health | None:
        try:
            return Health.of(said)
        except ValueError as error:
            raise _refused(self.path, f"{name}.healthcheck: {error}") from None

    def _after(self, name: str, said: Any) -> dict[str, str]:
        waits = (
            dict.fromkeys(said or (), "service_started")
            if not isinstance(said, dict)
            else {other: str((how or {}).get("condition", "service_started")) for other, how in said.items()}
        )
        if unknown := set(waits.values()) - _CONDITIONS:
            raise _refused(self.path, f"{name}.depends_on: {unknown.pop()} is not supported")
        return waits

    def _order(self, services: Mapping[str, Service]) -> list[str]:
        for service in services.values():
            if unknown := set(service.after) - set(services):
                raise _refused(self.path, f"{service.name}.depends_on: there is no service {unknown.pop()}")
        try:
            return list(
                TopologicalSorter({name: set(one.after) for name, one in services.items()}).static_order()
            )
        except CycleError:
            raise _refused(self.path, "depends_on goes in a circle") from None

    def _texts(self, words: Sequence[str] | None) -> list[str] | None:
        return None if words is None else [self._filled(word) for word in words]

    def _text(self, value: Any) -> str | None:
        return None if value is None else self._filled(str(value))

    def _filled(self, text: str) -> str:
        try:
            return filled(text, self.env)
        except KeyError as error:
            raise _refused(
                self.path, f"${{{error.args[0]}}} has no value; give it in [environment.env]"
            ) from None


def _refused(path: Path, detail: str) -> Refused:
    remedy = "leave it out, or run it in the box"
    return Refused(f"{path}: {detail}", field="services", value=path, remedy=remedy)
