"""Text that recurs word for word in every episode; one token each keeps prompts short."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from renderers import create_renderer

from learner.warm_start.demonstrations import RENDERING, Demonstration

EXITS = ("[exit 0]", "[exit 1]", "[exit 2]")


def all_phrases(demonstrations: Iterable[Demonstration]) -> list[str]:
    """The phrases of every kind of demonstration, each once."""
    kinds = {(one.messages[0]["content"], json.dumps(one.tools)): one for one in demonstrations}
    return list(dict.fromkeys(phrase for one in kinds.values() for phrase in fixed_phrases(one)))


def fixed_phrases(demonstration: Demonstration) -> list[str]:
    """The system prompt, the template's text about tools, each tool's line, the ends of calls, its own."""
    system = demonstration.messages[0]["content"]
    _, _, about_tools = _system_turn(demonstration).partition(system)
    phrases = [system]
    for tool in demonstration.tools:
        line = json.dumps(tool, ensure_ascii=False)
        before, _, about_tools = about_tools.partition(line)
        phrases += [before, line, *_ends_of_call(tool)]
    phrases += [about_tools, *EXITS, *demonstration.phrases]
    return [phrase for phrase in phrases if phrase.strip()]


def without(phrases: Sequence[str], text: str) -> str:
    """What remains of a text between phrases: the part whose words a tokenizer has to learn."""
    for phrase in sorted(phrases, key=len, reverse=True):
        text = text.replace(phrase, "\n")
    return text


def _ends_of_call(tool: dict[str, Any]) -> tuple[str, ...]:
    """What stands before and after the one argument that a call needs, or the whole call if it needs none."""
    name, required = tool["function"]["name"], tool["function"]["parameters"]["required"]
    if not required:
        return (f'\n{{"name": "{name}", "arguments": {{}}}}\n',)
    (argument,) = required
    return f'\n{{"name": "{name}", "arguments": {{"{argument}": "', '"}}\n'


def _system_turn(demonstration: Demonstration) -> str:
    renderer = create_renderer(_Characters(), RENDERING)
    ids = renderer.render_ids(demonstration.messages[:1], tools=demonstration.tools)
    return "".join(map(chr, ids[1 : ids.index(_Characters.control, 1)]))


@dataclass
class _Characters:
    """A tokenizer of single characters: what a renderer encodes can be read from its ids."""

    name_or_path = ""
    unk_token_id = None
    eos_token_id = None
    control = 0x110000  # beyond every character

    def encode(self, text: str, **_: object) -> list[int]:
        return list(map(ord, text))

    def decode(self, token_ids: list[int], **_: object) -> str:
        return "".join(map(chr, token_ids))

    def convert_tokens_to_ids(self, _: str) -> int:
        return self.control
