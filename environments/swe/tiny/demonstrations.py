"""Plays scripted repairs in a real shell, and writes down what was said."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from environments.bash import BASH_TOOL, PROMPT, tool_reply
from environments.demonstrations.episode import FAREWELL, Episode, drawn, exchange, opening, said
from environments.swe.tiny.bug import Bug
from environments.swe.tiny.tasks import bugs
from environments.terminal.demonstrations.shell import LocalShell

SLIPS = (
    (0.30, "everywhere"),  # changes the other function as well
    (0.14, "other"),  # changes the other function alone
    (0.11, "looks"),  # changes nothing
)


def episodes(count: int, seed: int, scratch: Path) -> Iterator[Episode]:
    """Demonstrations on bugs of the training split."""
    random = Random(f"demonstrations/swe/{seed}")
    for bug in bugs("train", count, random):
        with TemporaryDirectory(dir=scratch) as folder:
            yield play(bug, drawn("right", SLIPS, random), Path(folder))


def play(bug: Bug, way: str, folder: Path) -> Episode:
    """Reads the module and repairs it with sed, in the right way or in a wrong one."""
    (folder / bug.module).write_text(bug.buggy)
    messages = opening(PROMPT.system, bug.statement)
    with LocalShell(folder) as shell:
        for number, command in enumerate(commands(bug, way)):
            answer = tool_reply(*shell.run(command))
            messages += exchange(number, "bash", {"command": command}, answer)
    messages.append(said(FAREWELL))
    correct = (folder / bug.module).read_text() == bug.fixed
    return Episode(messages, [BASH_TOOL], f"swe/{bug.right}", correct)


def commands(bug: Bug, way: str) -> tuple[str, ...]:
    look, change = f"cat {bug.module}", f"s/{bug.wrong}/{bug.right}/ {bug.module}"
    match way:
        case "everywhere":
            return (look, f"sed -i {change}")
        case "other":
            return (look, f"sed -i /{bug.sound}/{change}")
        case "looks":
            return (look,)
        case _:
            return (look, f"sed -i /{bug.broken}/{change}")
