"""Plays an instance's solution or one of its slips, and writes down what was said."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from environments.bash import BASH_TOOL, PROMPT, tool_reply
from environments.demonstrations.episode import FAREWELL, Episode, drawn, exchange, opening, said
from environments.terminal.demonstrations.shell import LocalShell
from environments.terminal.families.harbor import verifier, write_files
from environments.terminal.families.instance import Commands, Instance
from environments.terminal.families.splits import instances


def episodes(count: int, seed: int, scratch: Path) -> Iterator[Episode]:
    """Demonstrations on instances of the training split, with slips at their families' shares."""
    random = Random(f"demonstrations/{seed}")
    for index, instance in enumerate(instances("train", count, seed)):
        with TemporaryDirectory(dir=scratch) as folder:
            yield play(instance, index, choose(instance, random), Path(folder))


def choose(instance: Instance, random: Random) -> Commands:
    """The solution, or a slip with the probability that it declares."""
    return drawn(instance.solution, [(slip.share, slip.commands) for slip in instance.slips], random)


def play(instance: Instance, index: int, commands: Commands, folder: Path) -> Episode:
    """Executes the commands in `folder`, which is filled with the instance's files first."""
    app, logs = folder / "app", folder / "logs"
    write_files(app, instance.start)
    messages = opening(PROMPT.system, instance.instruction)
    with LocalShell(app) as shell:
        for number, command in enumerate(commands):
            answer = tool_reply(*shell.run(command))
            messages += exchange(number, "bash", {"command": command}, answer)
    messages.append(said(FAREWELL))
    correct = verdict(instance, app, logs)
    return Episode(messages, [BASH_TOOL], f"podium/{instance.family}-{index:05}", correct)


def verdict(instance: Instance, app: Path, logs: Path) -> bool:
    """What the instance's own test.sh says, run in these folders instead of a sandbox's."""
    subprocess.run(["bash", "-c", moved(verifier(instance.goal), app, logs)], check=True)
    return (logs / "verifier/reward.txt").read_text() == "1\n"


def moved(script: str, app: Path, logs: Path) -> str:
    """A script of a sandbox, for other folders; a path like box/apple.md is none of them."""
    return re.sub(r"/(app|logs)\b", lambda match: str({"app": app, "logs": logs}[match[1]]), script)
