"""A gateway with a fake engine and records in memory."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bench.tiny_model import write_tiny_model
from services.kit.access import Signer
from services.rendering.chat import ChatRenderer
from services.transport.token_store import MemoryTokenStore
from tests.services.gateway.scene import Scene, gateway

TEXTS = ("hello world, run the command in the folder", "ls -la && echo done", '{"command": "cat a.txt"}')


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model without weights."""
    return write_tiny_model(tmp_path_factory.mktemp("model"), TEXTS, 512)


@pytest.fixture(scope="session")
def renderer(model_folder: Path) -> ChatRenderer:
    return ChatRenderer(model_folder)


@pytest.fixture
async def scene(renderer: ChatRenderer, signer: Signer) -> AsyncIterator[Scene]:
    async with gateway(renderer, MemoryTokenStore(), signer) as scene:
        yield scene
