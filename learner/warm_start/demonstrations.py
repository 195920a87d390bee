"""Demonstrations of a JSONL file, as text for the tokenizer and as token ids for the model."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from renderers import create_renderer
from renderers.configs import Qwen3RendererConfig

from services.rendering.tokenizer import ModelTokenizer

RENDERING = Qwen3RendererConfig(enable_thinking=True, thinking_retention="all")


@dataclass(frozen=True)
class Demonstration:
    """One conversation in OpenAI's form, the tools it was offered, and text in it that recurs."""

    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tokens:
    """A conversation as the gateway would have built it; `sampled` marks what the model said."""

    ids: list[int]
    sampled: list[bool]


def read_demonstrations(file: Path) -> list[Demonstration]:
    with file.open() as lines:
        rows = (json.loads(line) for line in lines)
        return [Demonstration(row["messages"], row["tools"], tuple(row["phrases"])) for row in rows]


def tokenize(demonstrations: Sequence[Demonstration], folder: Path) -> Iterator[Tokens]:
    """The ids that rendering and bridging turn by turn would give, with the folder's tokenizer."""
    renderer = create_renderer(ModelTokenizer(folder), RENDERING)
    # A template puts an empty thought before the very last answer, which no live turn has: a user's
    # message after it makes it an earlier answer, and is cut off again.
    after = {"role": "user", "content": ""}
    for demonstration in demonstrations:
        rendered = renderer.render([*demonstration.messages, after], tools=demonstration.tools)
        end = len(rendered.sampled_mask) - rendered.sampled_mask[::-1].index(True)
        yield Tokens(rendered.token_ids[:end], rendered.sampled_mask[:end])


def spoken_texts(demonstration: Demonstration) -> Iterator[str]:
    """What users, tools and the model wrote: the text whose words the tokenizer learns."""
    for message in demonstration.messages:
        if message["role"] != "system":
            yield message["content"]
        for call in message.get("tool_calls", ()):
            yield from json.loads(call["function"]["arguments"]).values()
