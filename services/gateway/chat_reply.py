"""A recorded call as OpenAI's chat completion: one JSON object, or the events of a stream."""

from typing import Any

import msgspec

from services.gateway.chat_request import Chat
from services.gateway.history import Call
from services.rendering.chat import ChatRenderer

_encode = msgspec.json.Encoder().encode
Plain = dict[str, Any]  # JSON on its way out


def completion(call: Call, chat: Chat, model: str, renderer: ChatRenderer) -> bytes:
    """The body of a reply that is not streamed."""
    choice = {
        "index": 0,
        "message": _message(call),
        "finish_reason": _finish(call),
        "logprobs": _logprobs(call, renderer) if chat.logprobs else None,
    }
    return _encode({**_envelope(call, model, "chat.completion"), "choices": [choice], "usage": _usage(call)})


def completion_stream(call: Call, chat: Chat, model: str, renderer: ChatRenderer) -> bytes:
    """All events of a streamed reply. They go out at once: nothing is shown before it is recorded."""
    envelope = _envelope(call, model, "chat.completion.chunk")
    chunks = [{**envelope, "choices": [choice]} for choice in _choices(call, chat, renderer)]
    if chat.include_usage:
        chunks = [{**chunk, "usage": None} for chunk in chunks]
        chunks.append({**envelope, "choices": [], "usage": _usage(call)})
    events = [b"data: " + _encode(chunk) + b"\n\n" for chunk in chunks]
    return b"".join([*events, b"data: [DONE]\n\n"])


def _envelope(call: Call, model: str, kind: str) -> Plain:
    return {
        "id": f"chatcmpl-{call.header.call_id}",
        "object": kind,
        "created": int(call.header.started_at),
        "model": model,
    }


def _message(call: Call) -> Plain:
    reply = call.reply
    message: Plain = {"role": "assistant", "content": reply.content, "refusal": None}
    if reply.reasoning_content is not None:
        message["reasoning_content"] = reply.reasoning_content
    if reply.tool_calls:
        message["tool_calls"] = reply.tool_calls
        message["content"] = reply.content or None
    return message


def _choices(call: Call, chat: Chat, renderer: ChatRenderer) -> list[Plain]:
    reply = call.reply
    deltas: list[Plain] = [{"role": "assistant", "content": ""}]
    if reply.reasoning_content is not None:
        deltas.append({"reasoning_content": reply.reasoning_content})
    if reply.content:
        deltas.append({"content": reply.content})
    for i, tool_call in enumerate(reply.tool_calls):
        deltas.append({"tool_calls": [{"index": i, **msgspec.to_builtins(tool_call)}]})
    choices: list[Plain] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": _finish(call)})
    if chat.logprobs:
        choices[-1]["logprobs"] = _logprobs(call, renderer)
    return choices


def _finish(call: Call) -> str:
    return "tool_calls" if call.reply.tool_calls else call.header.finish_reason


def _usage(call: Call) -> Plain:
    prompt, sampled = call.input_length, len(call.sampled)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": sampled,
        "total_tokens": prompt + sampled,
        "prompt_tokens_details": {"cached_tokens": call.header.cached_tokens},
    }


def _logprobs(call: Call, renderer: ChatRenderer) -> Plain:
    tokens = [renderer.tokenizer.decode(token_id) for token_id in call.sampled.tolist()]
    pairs = zip(tokens, call.logprobs.tolist(), strict=True)
    return {
        "content": [
            {"token": token, "logprob": logprob, "bytes": list(token.encode()), "top_logprobs": []}
            for token, logprob in pairs
        ],
        "refusal": None,
    }
