"""A rollout as one flat row: what it was, what was said, and every token of it."""

from services.cli.client import Json
from services.cli.export.conversation import conversations

_KEPT = (
    "rollout_id",
    "group_id",
    "environment",
    "split",
    "task_index",
    "purpose",
    "attempt",
    "state",
    "cause",
    "error",
    "reward",
    "components",
    "turns",
    "seconds",
    "oldest_version",
    "newest_version",
    "opened_at",
    "ended_at",
)


def row_of(rollout: Json) -> Json:
    """`messages` is the conversation that went on last, `branches` has all; `tools` in OpenAI's shape.

    `calls` are the token records: the ids that a call added to its parent's sequence, those sampled, and
    their log-probs by the engine. They are null if the token store no longer has them.
    """
    branches = conversations(rollout)
    last = max(rollout["calls"], key=lambda call: call["index"], default=None)
    ended = [one for one in branches if last and one["branch"] == last["branch"]]
    return {
        **{name: rollout[name] for name in _KEPT},
        "messages": ended[0]["messages"] if ended else [],
        "tools": rollout["tools"],
        "branches": branches,
        "calls": _calls(rollout),
    }


def _calls(rollout: Json) -> list[Json]:
    tokens = {one["call_id"]: one for one in rollout["tokens"] or ()}
    return [_call(call, tokens.get(call["call_id"])) for call in rollout["calls"]]


def _call(call: Json, tokens: Json | None) -> Json:
    return {
        "call_id": call["call_id"],
        "index": call["index"],
        "branch": call["branch"],
        "parent": call["parent"],
        "prompt_ids": tokens and tokens["prompt_ids"],
        "sampled_ids": tokens and tokens["sampled_ids"],
        "rollout_logprobs": tokens and tokens["rollout_logprobs"],
        "versions": [{"version": v, "start": start, "end": end} for v, start, end in call["versions"]],
        "temperature": call["temperature"],
        "finish_reason": call["finish_reason"],
        "engine": call["engine"],
        "prompt_tokens": call["prompt_tokens"],
        "sampled_tokens": call["sampled_tokens"],
        "cached_tokens": call["cached_tokens"],
        "seconds": call["seconds"],
    }
