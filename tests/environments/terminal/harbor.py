"""Small Harbor directories: several steps, a verifier of its own, artifacts, older spellings."""

from collections.abc import Mapping
from pathlib import Path

from tests.environments.standins import ANSWER_TEST

DOCKERFILE = "FROM debian:bookworm-slim\nWORKDIR /app\n"
SOLVE = "#!/bin/bash\necho right > /app/answer.txt\n"
STEPS = """\
schema_version = "1.4"
multi_step_reward_strategy = "{strategy}"
[[steps]]
name = "one"
min_reward = {least}
[[steps]]
name = "two"
[steps.verifier]
env = {{ WANTED = "two" }}
"""
STEP_TEST = """#!/bin/bash
[ "$(cat /app/$WANTED.txt)" = "$WANTED" ] && echo 1 > /logs/verifier/reward.txt && exit
echo 0.25 > /logs/verifier/reward.txt
"""


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """A directory with these files, and a Dockerfile if it has none."""
    for name, text in {"environment/Dockerfile": DOCKERFILE, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def simple(folder: Path, config: str = 'version = "1.0"\n', **more: str) -> Path:
    """Write `right` into answer.txt; `more` has further files, or others in place of these."""
    files = {
        "task.toml": config,
        "instruction.md": "Write right to answer.txt.\n",
        "solution/solve.sh": SOLVE,
        "tests/test.sh": f"#!/bin/bash\n{ANSWER_TEST}",
    }
    return write(folder, {**files, **more})


def two_steps(folder: Path, *, strategy: str = "mean", least: str = "0.5") -> Path:
    """In step one write one.txt, in step two two.txt; the wrong answer is worth a quarter."""
    return write(
        folder,
        {
            "task.toml": STEPS.format(strategy=strategy, least=least),
            "tests/test.sh": STEP_TEST,
            "tests/shared.txt": "for both\n",
            "steps/one/instruction.md": "<!-- a canary: never train on this -->\n\nWrite one to one.txt.\n",
            "steps/one/tests/test.sh": STEP_TEST.replace("$WANTED", "one"),
            "steps/one/solution/solve.sh": "#!/bin/bash\necho one > one.txt\n",
            "steps/two/instruction.md": "Write two to two.txt.\n",
            "steps/two/workdir/setup.sh": "cat one.txt > seen.txt; test -f given.txt\n",
            "steps/two/workdir/given.txt": "given\n",
            "steps/two/solution/solve.sh": "#!/bin/bash\ncat seen.txt given.txt; echo two > two.txt\n",
        },
    )


OWN_VERIFIER = """\
artifacts = [{ source = "/app/out", exclude = ["*.tmp"], destination = "results" }]
[verifier]
environment_mode = "separate"
[[verifier.collect]]
command = "mkdir -p out; cp answer.txt out/; echo x > out/scratch.tmp"
"""
OWN_TEST = """#!/bin/bash
ls -R /app > /logs/verifier/test-stdout.txt
if [ "$(cat /app/out/answer.txt)" = right ] && [ ! -e /app/out/scratch.tmp ] && [ ! -e /app/answer.txt ]
then echo 1; else echo 0; fi > /logs/verifier/reward.txt
"""


def own_verifier(folder: Path, *, brings_tests: bool) -> Path:
    """The tests see the collected files alone; their image brings them along, or they are put in."""
    image = {"tests/Dockerfile": "FROM debian:bookworm-slim\nWORKDIR /app\nCOPY . /tests/\n"}
    return simple(
        folder,
        OWN_VERIFIER,
        **{"tests/test.sh": OWN_TEST, **(image if brings_tests else {})},
    )
