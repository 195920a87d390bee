"""One message list, whatever an agent's framework sent."""

from typing import Any

from orchestrator.messages import normalise
from orchestrator.sealing import score
from services.contracts.token_record import CallHeader, VersionSpan, records_digest


def call(index: int, messages: list[dict[str, Any]], **changes: Any) -> CallHeader:
    values: dict[str, Any] = {
        "rollout_id": "r",
        "attempt": 1,
        "call_id": f"c{index}",
        "index": index,
        "branch": 0,
        "parent": None,
        "prompt_tokens": 4,
        "sampled_tokens": 2,
        "versions": (VersionSpan(index, 0, 2),),
        "engine": "e",
        "temperature": 1.0,
        "finish_reason": "stop",
        "messages": tuple(messages),
        "digest": f"{index}",
        **changes,
    }
    return CallHeader(**values)


def test_roles_parts_and_tools_get_one_shape() -> None:
    tool_call = {"id": "1", "type": "function", "function": {"name": "bash", "arguments": '{"b":1,"a":2}'}}
    first = call(
        0,
        [
            {
                "role": "developer",
                "content": [{"type": "text", "text": "be "}, {"type": "text", "text": "good"}],
            },
            {"role": "user", "content": [{"type": "image_url"}]},
            {"role": "assistant", "content": None, "reasoning_content": "hm", "tool_calls": [tool_call]},
        ],
    )
    second = call(
        1,
        [
            {"role": "tool", "content": {"exit": 0}, "tool_call_id": "1"},
            {"role": "assistant", "content": "ok"},
        ],
        branch=1,
    )
    messages = normalise([first, second])
    assert [(m.role, m.content, m.call, m.branch, m.sampled) for m in messages] == [
        ("system", "be good", 0, 0, False),
        ("user", "[image_url]", 0, 0, False),
        ("assistant", "", 0, 0, True),
        ("tool", '{"exit": 0}', 1, 1, False),
        ("assistant", "ok", 1, 1, True),
    ]
    assert messages[2].reasoning == "hm"
    assert messages[2].tool_calls[0].arguments == '{"b":1,"a":2}'
    assert messages[3].tool_call_id == "1"


def test_a_score_sums_up_the_calls() -> None:
    calls = [call(1, [], versions=(VersionSpan(4, 0, 1), VersionSpan(5, 1, 2))), call(0, [])]
    scored = score(calls)
    assert scored is not None
    assert (scored.oldest_version, scored.newest_version) == (0, 5)
    assert (scored.sampled_tokens, scored.records) == (4, 2)
    assert scored.digest == records_digest(calls)
    assert [summary.index for summary in scored.calls] == [0, 1]


def test_nothing_sampled_is_no_score() -> None:
    assert score([]) is None
    assert score([call(0, [], sampled_tokens=0, versions=())]) is None
