"""Settings, fingerprints and what is read from an engine's reply."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.contracts.token_record import VersionSpan
from services.gateway.fingerprint import fingerprints
from services.gateway.generation import EngineFault, joined, read_generation, weight_version
from services.gateway.settings import GatewaySettings
from services.rendering.message import FunctionCall, Message, ToolCall

NEEDED: dict[str, Any] = {"redis_url": "redis://x", "secret_file": Path("s"), "model_path": Path("m")}


def test_settings_say_where_engines_come_from() -> None:
    assert GatewaySettings(**NEEDED, engines=("http://e",)).engines == ("http://e",)
    with pytest.raises(ValidationError, match="orchestrator_url"):
        GatewaySettings(**NEEDED)
    with pytest.raises(ValidationError, match="token_file"):
        GatewaySettings(**NEEDED, orchestrator_url="http://o")


def test_what_was_said_differs() -> None:
    call = ToolCall("1", FunctionCall("bash", '{"a": 1}'))
    other = ToolCall("1", FunctionCall("bash", '{"a": 2}'))
    messages = [
        Message("user", "x"),
        Message("system", "x"),
        Message("tool", "x"),
        Message("user", "x "),
        Message("assistant", "x"),
        Message("assistant", "", tool_calls=(call,)),
        Message("assistant", "", tool_calls=(other,)),
        Message("assistant", "", tool_calls=(call, call)),
        Message("assistant", "", tool_calls=(ToolCall("1", FunctionCall("bash", "[" * 5000)),)),
    ]
    prints = {fingerprints((), [message])[-1] for message in messages}
    assert len(prints) == len(messages)
    assert fingerprints(({"name": "t"},), messages)[-1] != fingerprints((), messages)[-1]


def test_fields_do_not_run_into_each_other() -> None:
    def call(name: str, arguments: str) -> Message:
        return Message("assistant", "", tool_calls=(ToolCall("", FunctionCall(name, arguments)),))

    assert fingerprints((), [call("a", "bc")])[-1] != fingerprints((), [call("ab", "c")])[-1]


def test_a_queue_abort_without_the_usual_fields_is_read() -> None:
    meta = {"finish_reason": {"type": "abort", "message": "Abort in waiting queue"}, "weight_version": "3"}
    generation = read_generation(json.dumps({"meta_info": meta}).encode(), 10, 5)
    assert (generation.finish, len(generation.ids), generation.versions) == ("abort", 0, ())


def test_labels_of_weights() -> None:
    assert (weight_version("default"), weight_version("12")) == (0, 12)
    for label in ("", "v3", "-1", "²"):
        with pytest.raises(EngineFault):
            weight_version(label)


def test_neighbouring_spans_of_one_version_are_one() -> None:
    spans = joined(VersionSpan(1, 0, 2), VersionSpan(1, 2, 3), VersionSpan(2, 3, 4))
    assert spans == (VersionSpan(1, 0, 3), VersionSpan(2, 3, 4))
