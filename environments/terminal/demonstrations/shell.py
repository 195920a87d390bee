"""A persistent bash on this machine, for scripted commands that are known to be harmless."""

import subprocess
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Self


class LocalShell:
    """Runs one command after the other in a plain environment, stderr among stdout."""

    def __init__(self, folder: Path) -> None:
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        )

    def run(self, command: str) -> tuple[str, int]:
        """The command's output and its exit code."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        mark = token_hex(8)  # unpredictable, so that no output can be taken for the end
        self._bash.stdin.write(f"{command}\nprintf '%s %d\\n' {mark} $?\n")
        self._bash.stdin.flush()
        output = ""
        while mark not in (line := self._bash.stdout.readline()):
            if not line:
                raise EOFError(f"the shell ended in {command!r}")
            output += line
        rest, _, code = line.partition(mark)
        return output + rest, int(code)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bash.communicate("exit\n")
