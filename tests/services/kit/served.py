"""An app behind a real server in this event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import FastAPI

from services.kit.serve import serving


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The app's address while it serves."""
    with TemporaryDirectory() as folder:
        ready = Path(folder) / "ready"
        async with serving(app, "127.0.0.1", 0, ready):
            async with asyncio.timeout(10):
                while not ready.exists():
                    await asyncio.sleep(0.01)
            yield ready.read_text()
