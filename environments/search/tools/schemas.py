"""The tools as OpenAI's chat completions describe them; each takes one string."""

from typing import Any

from environments.message import Tool


def _tool(name: str, description: str, argument: str, meaning: str) -> Tool:
    properties: dict[str, Any] = {argument: {"type": "string", "description": meaning}}
    parameters = {
        "type": "object",
        "properties": properties,
        "required": [argument],
        "additionalProperties": False,
    }
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


SEARCH = _tool(
    "search", "Search for pages. Lists titles, page ids and matching sentences.", "query", "a few words"
)
OPEN = _tool(
    "open",
    "Open a page and read it. A long page comes in parts.",
    "page",
    "a page id from a search or a link; add #2 for its second part",
)
FIND = _tool("find", "Find text in the page opened last.", "text", "the words to find; case does not matter")
PYTHON = _tool(
    "python",
    "Run a Python program and see what it prints. Nothing is kept between calls.",
    "code",
    "the program",
)
