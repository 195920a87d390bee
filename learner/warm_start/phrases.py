"""Text that recurs word for word in every episode; one token each keeps prompts short."""

import json
from dataclasses import dataclass
from typing import Any

from renderers import create_renderer

from learner.warm_start.demonstrations import RENDERING, Demonstration

EXITS = ("[exit 0]", "[exit 1]", "[exit 2]")


def fixed_phrases(demonstration: Demonstration) -> list[str]:
    """The system prompt, the template's text about tools, each tool's JSON line, and a call's two ends."""
    system = demonstration.messages[0]["content"]
    _, _, about_tools = _system_turn(demonstration).partition(system)
    phrases = [system]
    for tool in demonstration.tools:
        line = json.dumps(tool, ensure_ascii=False)
        before, _, about_tools = about_tools.partition(line)
        phrases += [before, line, *_ends_of_call(tool)]
    return [*phrases, about_tools, *EXITS]


def _ends_of_call(tool: dict[str, Any]) -> tuple[str, str]:
    """What stands before and after the one argument of a call."""
    name = tool["function"]["name"]
    (argument,) = tool["function"]["parameters"]["properties"]
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
