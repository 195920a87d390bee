"""Harbor's Agent Trajectory Interchange Format (ATIF-v1.4): one trajectory a branch.

Its prompt ids are whole prompts, so each call's are those of the calls before it and its own.
"""

import json
from itertools import accumulate

from services.cli.client import Json
from services.cli.export.conversation import openai

SCHEMA = "ATIF-v1.4"


def trajectories(rollout: Json, row: Json) -> list[Json]:
    """What a branch holds; a rollout of one branch is one trajectory with the rollout's id."""
    several = len(row["branches"]) > 1
    return [_trajectory(rollout, row, branch, several) for branch in row["branches"]]


def _trajectory(rollout: Json, row: Json, branch: Json, several: bool) -> Json:
    calls = {call["call_id"]: call for call in row["calls"]}
    chain = [calls[call_id] for call_id in branch["calls"]]
    steps = _steps(rollout, chain)
    suffix = f"-{branch['branch']}" if several else ""
    return {
        "schema_version": SCHEMA,
        "session_id": f"{row['rollout_id']}{suffix}",
        "agent": {
            "name": row["environment"],
            "version": "1",
            "extra": {"tool_definitions": row["tools"]} if row["tools"] else {},
        },
        "steps": steps,
        "final_metrics": {
            "total_prompt_tokens": sum(
                step["metrics"]["prompt_tokens"] for step in steps if "metrics" in step
            ),
            "total_completion_tokens": sum(call["sampled_tokens"] for call in chain),
            "total_cached_tokens": sum(call["cached_tokens"] for call in chain),
            "total_steps": len(steps),
        },
        "extra": {
            "rollout_id": row["rollout_id"],
            "group_id": row["group_id"],
            "branch": branch["branch"],
            "task": {"split": row["split"], "index": row["task_index"]},
            "cause": row["cause"],
            "reward": row["reward"],
            "components": row["components"],
        },
    }


def _steps(rollout: Json, chain: list[Json]) -> list[Json]:
    """System and user messages are steps; a reply is one with its metrics and what its tools answered."""
    steps: list[Json] = []
    metrics = {call["index"]: _metrics(call, chain[: number + 1]) for number, call in enumerate(chain)}
    for message in rollout["messages"]:
        if message["call"] not in metrics:
            continue
        if message["role"] == "tool" and steps and steps[-1]["source"] == "agent":
            results = steps[-1].setdefault("observation", {"results": []})["results"]
            results.append(_result(message, steps[-1]))
        elif message["role"] == "assistant":
            sampled = metrics[message["call"]] if message["sampled"] else None
            steps.append(_reply(message, len(steps) + 1, sampled))
        else:
            source = "system" if message["role"] == "system" else "user"
            steps.append({"step_id": len(steps) + 1, "source": source, "message": message["content"]})
    return steps


def _result(message: Json, step: Json) -> Json:
    known = {call["tool_call_id"] for call in step.get("tool_calls", ())}
    source = message["tool_call_id"] if message["tool_call_id"] in known else None
    return {"source_call_id": source, "content": message["content"]}


def _reply(message: Json, step_id: int, metrics: Json | None) -> Json:
    said = openai(message)
    step: Json = {"step_id": step_id, "source": "agent", "message": message["content"]}
    if "reasoning_content" in said:
        step["reasoning_content"] = said["reasoning_content"]
    if message["tool_calls"]:
        step["tool_calls"] = [
            {
                "tool_call_id": call["id"],
                "function_name": call["name"],
                "arguments": _arguments(call["arguments"]),
            }
            for call in message["tool_calls"]
        ]
    return step if metrics is None else {**step, "metrics": metrics}


def _arguments(text: str) -> Json:
    """An object, as the format wants it; what the model wrote instead of one is kept under `raw`."""
    try:
        parsed = json.loads(text or "{}")
    except ValueError:
        return {"raw": text}
    return parsed if isinstance(parsed, dict) else {"raw": text}


def _metrics(call: Json, chain: list[Json]) -> Json:
    before = sum(one["prompt_tokens"] + one["sampled_tokens"] for one in chain[:-1])
    metrics: Json = {
        "prompt_tokens": before + call["prompt_tokens"],
        "completion_tokens": call["sampled_tokens"],
        "cached_tokens": call["cached_tokens"],
        "extra": {"versions": call["versions"], "finish_reason": call["finish_reason"]},
    }
    if all(one["sampled_ids"] is not None for one in chain):
        parts = [part for one in chain[:-1] for part in (one["prompt_ids"], one["sampled_ids"])]
        *_, prompt = accumulate([*parts, call["prompt_ids"]])
        metrics["prompt_token_ids"] = prompt
        metrics["completion_token_ids"] = call["sampled_ids"]
        metrics["logprobs"] = call["rollout_logprobs"]
    return metrics
