"""What was said in a rollout as one response of the Responses API, which is what `/verify` reads."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from environments.message import Message
from services.contracts.words import new_id

Item = dict[str, Any]


def response_of(request: Mapping[str, Any], model: str, said: Sequence[Message]) -> dict[str, Any]:
    """The response to a row's `request` in which a model said and tools answered `said`, in order."""
    return {
        "id": f"resp_{new_id()}",
        "created_at": time.time(),
        "object": "response",
        "status": "completed",
        "model": model,
        "output": [item for message in said for item in _items(message)],
        "parallel_tool_calls": True,
        "tool_choice": request.get("tool_choice") or "auto",
        "tools": list(request.get("tools") or ()),
    }


def _items(message: Message) -> Iterator[Item]:
    match message["role"]:
        case "assistant":
            yield from _of_assistant(message)
        case "tool":
            yield {
                "type": "function_call_output",
                "call_id": message["tool_call_id"],
                "output": message["content"],
            }
        case role:
            yield {"type": "message", "role": role, "content": message["content"]}


def _of_assistant(message: Message) -> Iterator[Item]:
    calls = message.get("tool_calls") or ()
    if message.get("content") or not calls:
        yield _spoken(str(message.get("content") or ""))
    for call in calls:
        yield {
            "type": "function_call",
            "id": f"fc_{new_id()}",
            "call_id": call["id"],
            "name": call["function"]["name"],
            "arguments": call["function"]["arguments"],
            "status": "completed",
        }


def _spoken(text: str) -> Item:
    return {
        "type": "message",
        "id": f"msg_{new_id()}",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }
