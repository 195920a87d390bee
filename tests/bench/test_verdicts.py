"""The benchmark of verdicts, small: real services judge rightly, and what a wrong grader says is counted."""

from pathlib import Path

import pytest

from bench.verdicts import measured
from environments.terminal.generated import write_tasks

_ROLLOUTS = 16
_DEADLINE_S = 60.0
_REWARD = "mkdir -p /logs/verifier && echo {} > /logs/verifier/reward.txt\n"
GRADERS = (_REWARD.format(1), _REWARD.format(0), "true\n")  # lavish, mean, and one that says nothing


@pytest.mark.parametrize("family", ["terminal", "search"])
async def test_no_verdict_is_wrong(family: str) -> None:
    found = await measured(family, _ROLLOUTS, _DEADLINE_S)
    assert (found.rollouts, found.wrong, found.mistakes, found.leftovers) == (_ROLLOUTS, 0, [], 0)


async def test_each_verdict_of_a_wrong_grader_is_counted(tmp_path: Path) -> None:
    """Each grader judges one rollout that has solved its task, and then one that has done nothing."""
    write_tasks(tmp_path / "tasks", len(GRADERS), 1, 0)
    for task, grader in zip(sorted((tmp_path / "tasks/train").iterdir()), GRADERS, strict=True):
        (task / "tests/test.sh").write_text(grader)
    found = await measured("terminal", 2 * len(GRADERS), _DEADLINE_S, tmp_path / "tasks")
    assert (found.rollouts, found.wrong) == (6, 4)
    assert [mistake.partition(":")[0] for mistake in found.mistakes] == [
        "completed, reward 1.0 instead of 0.0",
        "completed, reward 0.0 instead of 1.0",
        "verifier, reward None instead of 1.0",
        "verifier, reward None instead of 0.0",
    ]
