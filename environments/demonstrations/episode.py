"""One scripted conversation, in the form in which a live one is sent to a model."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any, TypeVar

Message = dict[str, Any]  # as OpenAI's chat completions have it
Choice = TypeVar("Choice")

FAREWELL = "done"


@dataclass(frozen=True)
class Episode:
    """One conversation and whether what it left behind was right.

    `phrases` are pieces of what was said that recur word for word, for a tokenizer.
    """

    messages: list[Message]
    tools: list[dict[str, Any]]
    task: str
    correct: bool
    phrases: tuple[str, ...] = field(default=())

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def opening(system: str, instruction: str) -> list[Message]:
    return [{"role": "system", "content": system}, {"role": "user", "content": instruction}]


def exchange(number: int, tool: str, arguments: dict[str, str], answer: str) -> list[Message]:
    """A tool call, the `number`th of its episode, and what the tool said."""
    function = {"name": tool, "arguments": json.dumps(arguments)}
    call = {"id": f"call_{number}", "type": "function", "function": function}
    return [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call["id"], "content": answer},
    ]


def said(text: str) -> Message:
    return {"role": "assistant", "content": text}


def drawn(right: Choice, slips: Sequence[tuple[float, Choice]], random: Random) -> Choice:
    """The right way, or one of the wrong ones, each with the probability that stands before it."""
    point = random.random()
    for share, wrong in slips:
        point -= share
        if point < 0:
            return wrong
    return right
