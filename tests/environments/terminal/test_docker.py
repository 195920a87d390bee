"""Harbor tasks in containers: one of each generated family, and what solves nothing of it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from environments.terminal.controls import CONTROLS
from environments.terminal.families import FAMILIES
from environments.terminal.generated import write_tasks
from environments.terminal.validation import TerminalTrials, terminal_trials
from environments.validation.trials import NOOP, ORACLE
from services.sandbox.docker.sandboxes import DockerRules, DockerSandboxes

pytestmark = [pytest.mark.docker, pytest.mark.asyncio(loop_scope="module")]

_TASKS = len(FAMILIES)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def trials(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TerminalTrials]:
    folder = tmp_path_factory.mktemp("terminal") / "tasks"
    write_tasks(folder, _TASKS, 1, 0)
    sandboxes = DockerSandboxes(DockerRules())
    async with sandboxes.running(), terminal_trials(folder, sandboxes) as trials:
        yield trials


@pytest.mark.parametrize("task", range(_TASKS))
async def test_the_solution_scores_and_nothing_does_not(trials: TerminalTrials, task: int) -> None:
    assert await trials.reward(task, ORACLE) == 1.0
    assert await trials.reward(task, NOOP) == 0.0


@pytest.mark.parametrize("control", sorted(CONTROLS))
async def test_what_solves_nothing_earns_nothing(trials: TerminalTrials, control: str) -> None:
    """Root in its own container may wreck it: its files still come out, and are judged elsewhere."""
    assert await trials.reward(0, control) == 0.0
