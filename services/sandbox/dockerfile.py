"""The part of a Dockerfile that bubblewrap can carry out: what needs no image, no network and no root."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from string import Template
from typing import NoReturn

from services.kit.failure import Refused
from services.sandbox.launch import SYSTEM

_ADVICE = "use Docker for this task"
_BASE = re.compile(r"^(docker\.io/)?(library/)?(?P<name>debian|python)(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$")
_NOT_WRITABLE = tuple(f"{path}/" for path in (*SYSTEM, "/etc", "/proc", "/dev", "/sys"))
_PYTHON = ("/usr/bin/python3", "/usr/local/bin/python3")


@dataclass(frozen=True)
class Copy:
    """Files of the build folder, each with its absolute path in the box; and folders to make."""

    files: Mapping[str, Path]
    folders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """A command of the build, with the folder and variables it runs in."""

    command: str
    workdir: str
    env: Mapping[str, str]


@dataclass(frozen=True)
class Dockerfile:
    """Steps in order, and the folder and variables that the box starts with."""

    steps: tuple[Copy | Run, ...]
    workdir: str
    env: Mapping[str, str]

    @classmethod
    def read(cls, folder: Path) -> "Dockerfile":
        """Parse `folder`/Dockerfile. Errors: Refused, with file, line, instruction and advice."""
        path = folder / "Dockerfile"
        if not path.is_file():
            raise Refused(f"{path} is missing", field="Dockerfile", remedy="add one, or use Docker")
        if (folder / ".dockerignore").exists():
            raise Refused(f"{folder / '.dockerignore'} is not supported under bubblewrap", remedy=_ADVICE)
        parser = _Parser(path)
        for line, word, rest in _instructions(path.read_text()):
            parser.take(line, word, rest)
        return parser.finish()


@dataclass
class _Parser:
    path: Path
    steps: list[Copy | Run] = field(default_factory=list)
    workdir: str = "/"
    env: dict[str, str] = field(default_factory=dict)
    based: bool = False
    line: int = 0
    word: str = ""

    def take(self, line: int, word: str, rest: str) -> None:
        self.line, self.word = line, word
        if not self.based and word != "FROM":
            self._refuse("comes before FROM")
        if rest.startswith("--") or (word != "RUN" and "<<" in rest) or re.match(r"<<-?['\"]?\w", rest):
            self._refuse(f"with {rest.split()[0]} is not supported under bubblewrap")
        match word:
            case "FROM":
                self._from(rest)
            case "WORKDIR":
                self.workdir = self._path(rest)
                self.steps.append(Copy({}, (self.workdir,)))
            case "ENV":
                self.env |= self._variables(rest)
            case "COPY":
                self.steps.append(self._copy(self._words(rest)))
            case "RUN":
                self.steps.append(Run(self._command(rest), self.workdir, dict(self.env)))
            case _:
                self._refuse("is not supported under bubblewrap")

    def finish(self) -> Dockerfile:
        if not self.based:
            raise Refused(f"{self.path}: FROM is missing", field="FROM")
        return Dockerfile(tuple(self.steps), self.workdir, self.env)

    def _from(self, rest: str) -> None:
        base = _BASE.match(rest)
        if self.based or base is None:
            self._refuse(f"{rest}: bubblewrap has one Debian or Python base and no image")
        if base["name"] == "python" and not any(Path(path).exists() for path in _PYTHON):
            self._refuse(f"{rest}: this machine has no system Python ({' or '.join(_PYTHON)})")
        self.based = True

    def _variables(self, rest: str) -> dict[str, str]:
        words = self._split(self._filled(rest))
        if words and "=" not in words[0]:
            return {words[0]: " ".join(words[1:])}
        if not all(re.match(r"^\w+=", word) for word in words):
            self._refuse(f"{rest}: not NAME=value")
        return dict(word.split("=", 1) for word in words)

    def _copy(self, words: list[str]) -> Copy:
        if len(words) < 2:
            self._refuse("takes a source and a destination")
        *sources, target = words
        root = self._path(target)
        found = [(source, self._source(source)) for source in sources]
        into = target.endswith("/") or target in (".", "..") or len(found) > 1
        files: dict[str, Path] = {}
        for _, path in found:
            if path.is_dir():
                files |= {f"{root}/{inner.relative_to(path)}": inner for inner in _files(path)}
            else:
                files[f"{root}/{path.name}" if into else root] = path
        folders = (root,) if into or any(path.is_dir() for _, path in found) else ()
        return Copy(files, folders)

    def _source(self, source: str) -> Path:
        context = self.path.parent.resolve()
        path = (context / source.lstrip("/")).resolve()
        if any(character in source for character in "*?["):
            self._refuse(f"{source}: wildcards are not supported under bubblewrap")
        if not path.is_relative_to(context) or not path.exists():
            self._refuse(f"{source}: there is no such file in {self.path.parent}")
        return path

    def _path(self, text: str) -> str:
        joined = PurePosixPath(self.workdir) / self._filled(text.strip("\"'"))
        parts = [part for part in joined.parts if part != "."]
        if ".." in parts:
            self._refuse(f"{text}: '..' is not supported under bubblewrap")
        path = str(PurePosixPath(*parts))
        if f"{path}/".startswith(_NOT_WRITABLE):
            self._refuse(f"{text}: {path} belongs to the system, which is read-only under bubblewrap")
        return path

    def _words(self, rest: str) -> list[str]:
        if rest.startswith("["):
            return self._json(rest)
        return self._split(rest)

    def _command(self, rest: str) -> str:
        return shlex.join(self._json(rest)) if rest.startswith("[") else rest

    def _split(self, rest: str) -> list[str]:
        try:
            return shlex.split(rest)
        except ValueError as error:
            self._refuse(f"{rest}: {error}")

    def _json(self, rest: str) -> list[str]:
        try:
            words = json.loads(rest)
        except ValueError:
            words = None
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            self._refuse(f"{rest}: not a JSON list of strings")
        return words

    def _filled(self, text: str) -> str:
        try:
            return Template(text).substitute(_Unset(self.env))
        except ValueError:
            self._refuse(f"{text}: only $NAME and ${{NAME}} are supported under bubblewrap")

    def _refuse(self, why: str) -> NoReturn:
        raise Refused(
            f"{self.path}:{self.line}: {self.word} {why}", field=self.word, value=self.line, remedy=_ADVICE
        )


class _Unset(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return ""


def _instructions(text: str) -> Iterator[tuple[int, str, str]]:
    """Line number, instruction in capitals, and the rest; continued lines joined, comments left out."""
    pending, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or (not pending and not line.strip()):
            continue
        start = start if pending else number
        pending += line.strip() if not pending else " " + line.strip()
        if pending.endswith("\\"):
            pending = pending[:-1].rstrip() or " "
            continue
        word, _, rest = pending.strip().partition(" ")
        yield start, word.upper(), rest.strip()
        pending = ""
    if pending.strip():
        word, _, rest = pending.strip().partition(" ")
        yield start, word.upper(), rest.strip()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())
