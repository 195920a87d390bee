"""Exports are read with plain json and pyarrow: messages as OpenAI has them, every id, and ATIF."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from typer.testing import CliRunner

from services.cli.__main__ import app
from tests.integration.living import CALL, ROLLOUTS, Living

MESSAGES = [
    {"role": "user", "content": "list the files"},
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "content": "a.txt", "tool_call_id": "c1"},
    {"role": "assistant", "content": "One file: a.txt"},
]


def export(living: Living, out: Path, *options: str) -> None:
    result = CliRunner().invoke(app, [*living.arguments, "export", str(out), *options])
    assert result.exit_code == 0, result.output


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def without_nulls(value: Any) -> Any:
    """Parquet has one schema for all messages: what one lacks is null there."""
    if isinstance(value, dict):
        return {name: without_nulls(part) for name, part in value.items() if part is not None}
    return [without_nulls(part) for part in value] if isinstance(value, list) else value


def test_lines_hold_messages_and_tokens(living: Living, tmp_path: Path) -> None:
    export(living, tmp_path / "rollouts.jsonl")
    rows = lines(tmp_path / "rollouts.jsonl")
    assert len(rows) >= ROLLOUTS
    for row in rows:
        main, other = row["branches"]
        assert main["messages"] == MESSAGES
        assert row["messages"] == other["messages"]  # what went on last
        assert [call["sampled_ids"] for call in row["calls"]] == [[4, 5], [7, 8, 9], [9]]
        assert next(call["rollout_logprobs"] for call in row["calls"]) == [-0.5, -0.5]
        assert row["calls"][1]["parent"] == row["calls"][0]["call_id"] == main["calls"][0]
        assert (row["reward"], row["components"]) == (1.0, {"tests": 1.0})


def test_parquet_holds_the_same(living: Living, tmp_path: Path) -> None:
    export(living, tmp_path / "rollouts.parquet", "--limit", "3")
    export(living, tmp_path / "rollouts.jsonl", "--limit", "3")
    table = pq.read_table(tmp_path / "rollouts.parquet")
    by_id = {row["rollout_id"]: row for row in lines(tmp_path / "rollouts.jsonl")}
    assert table.num_rows == 3
    for row in table.to_pylist():
        same = by_id[row["rollout_id"]]
        assert without_nulls(row["branches"]) == same["branches"]
        assert [call["prompt_ids"] for call in row["calls"]] == [call["prompt_ids"] for call in same["calls"]]
        assert dict(row["components"]) == same["components"]
        assert json.loads(row["tools"]) == same["tools"]


def test_trajectories_are_those_of_the_format(living: Living, tmp_path: Path) -> None:
    export(living, tmp_path / "rollouts.atif", "--limit", "1")
    main, other = lines(tmp_path / "rollouts.atif")
    assert main["schema_version"] == "ATIF-v1.4"
    assert main["session_id"] != other["session_id"]
    assert {"name", "version"} <= main["agent"].keys()
    assert [step["step_id"] for step in main["steps"]] == [1, 2, 3]
    user, asks, says = main["steps"]
    assert (user["source"], user["message"]) == ("user", "list the files")
    call = {"tool_call_id": "c1", "function_name": "bash", "arguments": {"command": "ls"}}
    assert asks["tool_calls"] == [call]
    assert asks["observation"]["results"] == [{"source_call_id": "c1", "content": "a.txt"}]
    metrics = says["metrics"]
    assert metrics["prompt_token_ids"] == [1, 2, 3, 4, 5, 6]
    assert metrics["completion_token_ids"] == [7, 8, 9]
    assert len(metrics["prompt_token_ids"]) == metrics["prompt_tokens"]
    assert len(metrics["logprobs"]) == metrics["completion_tokens"]
    assert main["final_metrics"]["total_completion_tokens"] == 5


def test_an_export_without_tokens_says_so(living: Living, tmp_path: Path) -> None:
    export(living, tmp_path / "rollouts.jsonl", "--limit", "1", "--no-tokens")
    (row,) = lines(tmp_path / "rollouts.jsonl")
    assert {call["sampled_ids"] for call in row["calls"]} == {None}
