"""Plays an instance's solution or one of its slips, and writes down what was said."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from environments.bash import BASH_TOOL, PROMPT, tool_reply
from environments.terminal.demonstrations.shell import LocalShell
from environments.terminal.families.harbor import verifier, write_files
from environments.terminal.families.instance import Commands, Instance
from environments.terminal.families.splits import instances

Message = dict[str, Any]  # as OpenAI's chat completions have it

FAREWELL = "done"


@dataclass(frozen=True)
class Episode:
    """One conversation and whether the verifier was content with what it left behind."""

    messages: list[Message]
    tools: list[dict[str, Any]]
    task: str
    correct: bool

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def episodes(count: int, seed: int, scratch: Path) -> Iterator[Episode]:
    """Demonstrations on instances of the training split, with slips at their families' shares."""
    random = Random(f"demonstrations/{seed}")
    for index, instance in enumerate(instances("train", count, seed)):
        with TemporaryDirectory(dir=scratch) as folder:
            yield play(instance, index, choose(instance, random), Path(folder))


def choose(instance: Instance, random: Random) -> Commands:
    """The solution, or a slip with the probability that it declares."""
    point = random.random()
    for slip in instance.slips:
        point -= slip.share
        if point < 0:
            return slip.commands
    return instance.solution


def play(instance: Instance, index: int, commands: Commands, folder: Path) -> Episode:
    """Executes the commands in `folder`, which is filled with the instance's files first."""
    app, logs = folder / "app", folder / "logs"
    write_files(app, instance.start)
    messages: list[Message] = [
        {"role": "system", "content": PROMPT.system},
        {"role": "user", "content": instance.instruction},
    ]
    with LocalShell(app) as shell:
        for number, command in enumerate(commands):
            messages += _exchange(f"call_{number}", command, *shell.run(command))
    messages.append({"role": "assistant", "content": FAREWELL})
    correct = verdict(instance, app, logs)
    return Episode(messages, [BASH_TOOL], f"podium/{instance.family}-{index:05}", correct)


def verdict(instance: Instance, app: Path, logs: Path) -> bool:
    """What the instance's own test.sh says, run in these folders instead of a sandbox's."""
    subprocess.run(["bash", "-c", moved(verifier(instance.goal), app, logs)], check=True)
    return (logs / "verifier/reward.txt").read_text() == "1\n"


def moved(script: str, app: Path, logs: Path) -> str:
    """A script of a sandbox, for other folders; a path like box/apple.md is none of them."""
    return re.sub(r"/(app|logs)\b", lambda match: str({"app": app, "logs": logs}[match[1]]), script)


def _exchange(call_id: str, command: str, output: str, exit_code: int) -> Iterator[Message]:
    function = {"name": "bash", "arguments": json.dumps({"command": command})}
    yield {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": call_id, "type": "function", "function": function}],
    }
    yield {"role": "tool", "tool_call_id": call_id, "content": tool_reply(output, exit_code)}


def write_episodes(out: Path, count: int, seed: int, scratch: Path) -> None:
    """One JSON object a line."""
    with out.open("w") as file:
        for episode in episodes(count, seed, scratch):
            file.write(episode.to_json() + "\n")
