"""From a rollout as the API tells it to conversations as OpenAI's clients have them, one a branch."""

from collections.abc import Sequence

from services.cli.client import Json


def conversations(rollout: Json) -> list[Json]:
    """`{branch, messages, calls}` of every branch: each holds all that its last call saw, and its reply."""
    calls = {call["call_id"]: call for call in rollout["calls"]}
    last = {call["branch"]: call for call in sorted(calls.values(), key=lambda call: call["index"])}
    return [
        {
            "branch": branch,
            "messages": _messages(rollout, chain),
            "calls": [call["call_id"] for call in chain],
        }
        for branch, chain in ((branch, _chain(call, calls)) for branch, call in sorted(last.items()))
    ]


def _chain(call: Json, calls: dict[str, Json]) -> list[Json]:
    """A call and those before it, the first one first."""
    chain = [call]
    while (parent := chain[-1]["parent"]) is not None and parent in calls:
        chain.append(calls[parent])
    return chain[::-1]


def _messages(rollout: Json, chain: Sequence[Json]) -> list[Json]:
    indices = {call["index"] for call in chain}
    return [openai(message) for message in rollout["messages"] if message["call"] in indices]


def openai(message: Json) -> Json:
    """One message in the shape of OpenAI's chat completions; reasoning as `reasoning_content`."""
    said: Json = {"role": message["role"], "content": message["content"]}
    if message.get("reasoning"):
        said["reasoning_content"] = message["reasoning"]
    if message.get("tool_calls"):
        said["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": call["arguments"]},
            }
            for call in message["tool_calls"]
        ]
    if message.get("tool_call_id"):
        said["tool_call_id"] = message["tool_call_id"]
    return said
