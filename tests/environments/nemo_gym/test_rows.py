"""Rows and responses, without a server: what is not supported is refused by name."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from environments.nemo_gym.response import response_of
from environments.nemo_gym.rows import Row, read_rows
from services.kit.failure import Refused

_ASKED = [{"role": "user", "content": "hello"}]


def test_a_request_of_the_responses_api_becomes_messages_and_tools() -> None:
    tool = {"type": "function", "name": "add", "parameters": {"type": "object"}, "description": None}
    spoken = [{"role": "developer", "content": [{"type": "input_text", "text": "Be brief."}]}, *_ASKED]
    row = Row.of({"responses_create_params": {"input": spoken, "tools": [tool]}, "answer": 3})
    assert [message["role"] for message in row.messages] == ["system", "user"]
    assert row.messages[0]["content"] == "Be brief."
    assert row.tools[0]["function"] == {"name": "add", "description": "", "parameters": {"type": "object"}}


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ({"input": []}, "input"),
        ({"input": _ASKED, "tools": [{"type": "web_search"}]}, "web_search"),
        ({"input": [{"type": "reasoning", "summary": []}]}, "reasoning"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]},
            "input_image",
        ),
    ],
)
def test_what_is_not_supported_is_refused_by_file_line_and_name(
    tmp_path: Path, request_: dict[str, Any], named: str
) -> None:
    file = tmp_path / "rows.jsonl"
    good = {"responses_create_params": {"input": "hello"}}
    file.write_text(f"{json.dumps(good)}\n\n{json.dumps({'responses_create_params': request_})}\n")
    with pytest.raises(Refused, match=rf"rows\.jsonl, line 3: .*{named}"):
        read_rows(file)


@pytest.mark.parametrize("text", ["", "[]\n", "{\n", "{}\n"])
def test_a_file_without_rows_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "rows.jsonl").write_text(text)
    with pytest.raises(Refused, match=r"rows\.jsonl"):
        read_rows(tmp_path / "rows.jsonl")


@given(some.lists(some.tuples(some.text(max_size=9), some.integers(0, 3)), max_size=6))
def test_every_word_call_and_answer_is_in_the_response_in_order(turns: list[tuple[str, int]]) -> None:
    said: list[dict[str, Any]] = []
    for turn, (words, calls) in enumerate(turns):
        ids = [f"{turn}-{number}" for number in range(calls)]
        called = [{"id": id, "function": {"name": "add", "arguments": "{}"}} for id in ids]
        said.append({"role": "assistant", "content": words, "tool_calls": called})
        said += [{"role": "tool", "tool_call_id": id, "content": f"of {id}"} for id in ids]
    output = response_of({}, "policy", said)["output"]
    spoken = [item["content"][0]["text"] for item in output if item["type"] == "message"]
    assert spoken == [words for words, calls in turns if words or not calls]
    calls_made = [item["call_id"] for item in output if item["type"] == "function_call"]
    assert calls_made == [item["call_id"] for item in output if item["type"] == "function_call_output"]
    assert len(calls_made) == sum(calls for _, calls in turns)
