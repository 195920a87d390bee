"""Messages and tools in the shape of OpenAI's chat completions."""

from typing import Any

Message = dict[str, Any]
Tool = dict[str, Any]
