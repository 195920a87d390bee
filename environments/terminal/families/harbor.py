"""Writes an instance as a Harbor task directory."""

from pathlib import Path
from shlex import quote

from environments.terminal.families.instance import Files, Instance

TASK_TOML = """\
schema_version = "1.4"
artifacts = ["/app"]

[task]
name = "podium/{family}-{index:04}"

[metadata]
family = "{family}"

[verifier]
timeout_sec = 30
environment_mode = "separate"

[agent]
timeout_sec = 120

[environment]
network_mode = "no-network"
build_timeout_sec = 120
cpus = 1
memory_mb = 256
"""

DOCKERFILE = """\
FROM debian:bookworm-slim
WORKDIR /app
COPY files/ /app/
"""

SOLVE = """\
#!/bin/bash
set -e
cd /app
{commands}
"""

TEST = """\
#!/bin/bash
# Reward 1 when /app holds exactly these files with exactly these lines, else 0.
export LC_ALL=C
shopt -s dotglob globstar nullglob

holds() {{ [[ -f $1 && "$(cat -- "$1")" == "$2" ]]; }}

solved() {{
    cd /app &&
        [[ "$(echo **)" == {tree} ]] &&
{contents}
}}

mkdir -p /logs/verifier
if solved; then echo 1; else echo 0; fi > /logs/verifier/reward.txt
"""


def write_task(folder: Path, instance: Instance, index: int) -> None:
    """Writes the directory of one task; `folder` must not exist."""
    texts = {
        "task.toml": TASK_TOML.format(family=instance.family, index=index),
        "instruction.md": instance.instruction + "\n",
        "environment/Dockerfile": DOCKERFILE,
        **{f"environment/files/{path}": text for path, text in instance.start.items()},
        "solution/solve.sh": SOLVE.format(commands="\n".join(instance.solution)),
        "tests/test.sh": verifier(instance.goal),
    }
    folder.mkdir(parents=True)
    write_files(folder, texts)


def verifier(goal: Files) -> str:
    """The bash script that writes the reward: 1 if /app is exactly `goal`."""
    contents = " &&\n".join(
        f"        holds {quote(path)} {quote(text.rstrip(chr(10)))}" for path, text in sorted(goal.items())
    )
    return TEST.format(tree=quote(" ".join(_tree(goal))), contents=contents)


def write_files(folder: Path, files: Files) -> None:
    """Writes texts below a folder, with the folders in between."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def _tree(goal: Files) -> list[str]:
    """Every path that `echo **` lists: files and the folders that hold them."""
    folders = {str(parent) for path in goal for parent in Path(path).parents} - {"."}
    return sorted(folders | set(goal))
