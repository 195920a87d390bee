"""What search tests share: the generated tasks and their index, and real HTTP servers of a few lines."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from environments.search.corpus.folder import read_folder
from environments.search.index.local import LocalIndex
from environments.search.tasks import SearchTasks, corpus_of, load_tasks, write_tasks

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Handler], Awaitable[str]]


@pytest.fixture(scope="session")
def tasks_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tasks that ship: what a service writes when it is started without any."""
    folder = tmp_path_factory.mktemp("search") / "tasks"
    write_tasks(folder, train=512, evaluation=128, seed=0)
    return folder


@pytest.fixture(scope="session")
def tasks(tasks_dir: Path) -> SearchTasks:
    return load_tasks(tasks_dir)


@pytest.fixture(scope="session")
def index(tasks_dir: Path) -> LocalIndex:
    return LocalIndex(read_folder(corpus_of(tasks_dir)))


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serves every path with one handler, on a port of its own; returns the address."""
    async with AsyncExitStack() as stack:

        async def start(handler: Handler) -> str:
            app = web.Application()
            app.router.add_route("*", "/{path:.*}", handler)
            server = await stack.enter_async_context(TestServer(app, host="127.0.0.1"))
            return str(server.make_url("")).rstrip("/")

        yield start
