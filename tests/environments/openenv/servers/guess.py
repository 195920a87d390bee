"""An OpenEnv environment with an action model: guess a number that depends on the seed."""

import sys
import time
from random import Random
from typing import Any

import uvicorn
from openenv.core.env_server.http_server import create_fastapi_app
from openenv.core.env_server.interfaces import Environment
from openenv.core.env_server.types import Action, Observation, State
from pydantic import Field


class Guess(Action):
    """Says a number."""

    number: int = Field(..., description="from 0 to 9")


class Told(Observation):
    said: str = ""


class Guessing(Environment[Guess, Told, State]):
    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self) -> None:
        super().__init__()
        self._number = 0

    def reset(self, seed: int | None = None, episode_id: str | None = None, **kwargs: Any) -> Told:
        self._number = Random(seed).randint(0, 9)
        return Told(
            said=f"Guess a number from 0 to 9. Hint: {self._number}." if kwargs.get("hint") else "Guess."
        )

    def step(self, action: Guess, timeout_s: float | None = None, **kwargs: Any) -> Told:
        if action.number == 666:
            raise RuntimeError("the server broke")
        if action.number == 777:
            return Told(said="over, and nobody knows what it is worth", done=True)
        if action.number == 888:
            time.sleep(20)
        right = action.number == self._number
        return Told(said="right" if right else "wrong", reward=1.0 if right else -0.25, done=right)

    @property
    def state(self) -> State:
        return State()


def app() -> Any:
    return create_fastapi_app(Guessing, Guess, Told, max_concurrent_envs=8)


if __name__ == "__main__":
    uvicorn.run(app(), port=int(sys.argv[1]), log_level="warning")
