"""What the contract's tests share: a prompt, requests in flight, and how replies are read."""

import asyncio
from typing import Any

from tests.services.inference.conftest import Client

PROMPT = [10, 20, 30, 40, 50, 60, 70]
GREEDY = {"temperature": 0}
LONG = {"max_new_tokens": 1500}
TOLERANCE = 1e-4


def logprobs_of(reply: dict[str, Any], which: str = "output") -> list[float]:
    return [entry[0] for entry in reply["meta_info"][f"{which}_token_logprobs"]]


def spans_of(reply: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [(span["version"], span["start"], span["end"]) for span in reply["meta_info"]["weight_versions"]]


class InFlight:
    """A long request that is running; `reply` waits for its end."""

    def __init__(self, engine: Client, **options: Any) -> None:
        self._engine = engine
        self._task = asyncio.create_task(engine.generate(PROMPT, **{"sampling": LONG, **options}))

    async def __aenter__(self) -> "InFlight":
        while not await self._engine.running():
            assert not self._task.done(), self._task.result()
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.15)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    @property
    def done(self) -> bool:
        return self._task.done()

    async def reply(self) -> Any:
        return await self._task
