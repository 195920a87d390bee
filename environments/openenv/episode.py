"""An agent's hand on one episode: calls become steps, observations become text, rewards are kept."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from environments.arguments import arguments_of
from environments.message import Tool
from environments.openenv.actions import Actions
from environments.openenv.session import InvalidAction, Session, Step
from services.contracts.cause import Cause
from services.kit.failure import Failure

_NOT_THE_AGENTS = frozenset({"transport_error", "timeout"})


@dataclass
class Episode:
    """Implements `environments.agent.Tools`. `rewards`: of every step that gave one, the reset included."""

    session: Session
    actions: Actions
    rewards: list[float] = field(default_factory=list)
    done: bool = False

    @property
    def schemas(self) -> list[Tool]:
        return self.actions.schemas

    async def call(self, name: str, arguments: str) -> str:
        """Errors: Failure (environment) if the server fails."""
        if self.done:
            return "the episode is over"
        known = [tool["function"]["name"] for tool in self.schemas]
        if name not in known:
            return f"error: there is no tool {name[:80]!r}, only {', '.join(known)}"
        try:
            action = self.actions.action(name, arguments_of(arguments))
        except ValueError as error:
            return f"error: {error}"
        try:
            step = await self.session.step(action)
        except InvalidAction as error:
            return f"error: the arguments are not right: {error}"
        self.take(step)
        return text_of(step.observation)

    def take(self, step: Step) -> None:
        """Keep what a step says besides its observation. Errors: Failure (environment) of a tool's server."""
        error = step.observation.get("error")
        if isinstance(error, Mapping) and error.get("error_type") in _NOT_THE_AGENTS:
            raise Failure(f"the tool failed: {error.get('message')}", cause=Cause.ENVIRONMENT)
        self.done = step.done
        if step.reward is not None:
            self.rewards.append(step.reward)

    def over(self) -> bool:
        """Whether nothing is left to do."""
        return self.done


def text_of(observation: Mapping[str, Any]) -> str:
    """An observation for the model: a tool's text as it is, anything else as JSON without what is empty."""
    said = {name: value for name, value in observation.items() if value not in (None, {}) or name == "result"}
    said.pop("tool_name", None)
    texts = _texts(said["result"]) if set(said) <= {"result", "metadata"} and "result" in said else []
    return "\n".join(texts) if texts else json.dumps(said, ensure_ascii=False)


def _texts(result: Any) -> list[str]:
    """The parts of a tool's result, if all of them are text."""
    parts = result.get("content", ()) if isinstance(result, Mapping) else ()
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return [text for text in texts if isinstance(text, str)] if None not in texts else []
