"""The same verdicts in containers, where the image itself brings git and nobody owns the root."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from environments.swe.controls import CONTROLS
from environments.swe.instance import Instance
from environments.swe.tasks import SweTasks
from environments.swe.validation import SweTrials
from environments.validation.trials import NOOP, ORACLE
from services.sandbox.docker.sandboxes import DockerRules, DockerSandboxes

pytestmark = [pytest.mark.docker, pytest.mark.asyncio(loop_scope="module")]

_SLIM = (
    "FROM python:3.11-slim\nRUN apt-get update -qq && apt-get install -y -qq --no-install-recommends git\n"
)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def trials(
    tasks_dir: Path, instance: Instance, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[SweTrials]:
    folder = tmp_path_factory.mktemp("swe") / "tasks"
    shutil.copytree(tasks_dir, folder)
    dockerfile = folder / "images/larder/Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("FROM python:3.11\n", _SLIM))
    sandboxes = DockerSandboxes(DockerRules())
    async with sandboxes.running():
        yield SweTrials(SweTasks(folder=folder, splits={"train": (instance,)}), sandboxes)


async def test_the_solution_scores_and_nothing_does_not(trials: SweTrials) -> None:
    assert await trials.reward(0, ORACLE) == 1.0
    assert await trials.reward(0, NOOP) == 0.0


@pytest.mark.parametrize("control", sorted(CONTROLS))
async def test_what_only_claims_to_be_a_solution_does_not(trials: SweTrials, control: str) -> None:
    assert await trials.reward(0, control) == 0.0
