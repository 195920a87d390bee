"""What slides tests share: the decks that ship, and one browser for all tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from environments.slides.rendering.pool import Extent, RenderPool
from environments.slides.tasks import SlidesTasks, load_tasks, write_tasks

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="session")
def tasks_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tasks that ship: what a service writes when it is started without any."""
    folder = tmp_path_factory.mktemp("slides") / "tasks"
    write_tasks(folder, train=192, evaluation=64, seed=0)
    return folder


@pytest.fixture(scope="session")
def tasks(tasks_dir: Path) -> SlidesTasks:
    return load_tasks(tasks_dir)


@pytest.fixture
async def pool() -> AsyncIterator[RenderPool]:
    async with RenderPool(CHROMIUM, Extent(pages=2)) as pool:
        yield pool
