"""The tools as OpenAI's chat completions describe them."""

from environments.message import Tool


def _tool(name: str, description: str, required: dict[str, str], optional: dict[str, str]) -> Tool:
    described = {**required, **optional}
    parameters = {
        "type": "object",
        "properties": {key: {"type": "string", "description": text} for key, text in described.items()},
        "required": list(required),
        "additionalProperties": False,
    }
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


_PAGE = {"page": "the page's number, 1 if left out"}

WRITE = _tool(
    "write_page",
    "Write one page of the deck as an HTML document. Writing it again replaces it.",
    {"html": "the whole HTML document; styles belong in it"},
    _PAGE,
)
RENDER = _tool("render", "Render a page in a browser of 1280×720 and see what is wrong with it.", {}, _PAGE)
MEASURE = _tool(
    "measurements", "List a page's blocks of text and images: place, size, type size, contrast.", {}, _PAGE
)
IMAGES = _tool("list_images", "List the images that pages can use.", {}, {})

SCHEMAS = (WRITE, RENDER, MEASURE, IMAGES)
