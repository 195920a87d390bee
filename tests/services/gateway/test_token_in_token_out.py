"""The ids of a reply are sent again as they were sampled, whatever an agent makes of its text."""

from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.services.gateway.scene import BASH, Plain, Scene, sequences

HI: Plain = {"role": "user", "content": "hello"}
NEXT: Plain = {"role": "tool", "tool_call_id": "x", "content": "a.txt"}
BLOCK = '<tool_call>\n{"name": "bash", "arguments": {"b": 1, "a": [2, 3]}}\n</tool_call>'
CALL = f"<think>\nhm\n</think>\n\nlook\n{BLOCK}"

Altered = Callable[[Plain], Plain]


def _with_arguments(text: Any) -> Altered:
    return lambda said: {
        **said,
        "tool_calls": [
            {**call, "function": {"name": "bash", "arguments": text}} for call in said["tool_calls"]
        ],
    }


def _without(*names: str) -> Altered:
    return lambda said: {name: value for name, value in said.items() if name not in names}


def _calls_without_ids(said: Plain) -> Plain:
    return {
        **said,
        "tool_calls": [{"type": "function", "function": c["function"]} for c in said["tool_calls"]],
    }


ALTERATIONS: dict[str, Altered] = {
    "as it was": lambda said: said,
    "stripped thinking": _without("reasoning_content"),
    "thinking in the content": lambda said: {
        **_without("reasoning_content")(said),
        "content": f"<think>\n{said['reasoning_content']}\n</think>\n\n{said['content']}",
    },
    "reordered arguments": _with_arguments('{"a":[2,3],"b":1}'),
    "reformatted arguments": _with_arguments('{\n  "b": 1,\n  "a": [2,\n 3]\n}'),
    "arguments as an object": _with_arguments({"a": [2, 3], "b": 1}),
    "no tool call ids": _calls_without_ids,
    "fields of the agent's own": lambda said: {**said, "annotations": [], "audio": None, "cost": 3},
    "content in parts": lambda said: {**said, "content": [{"type": "text", "text": said["content"]}]},
    "blanks around the content": lambda said: {**said, "content": f" {said['content']}\n"},
}


@pytest.mark.parametrize("altered", ALTERATIONS.values(), ids=ALTERATIONS.keys())
async def test_altered_replies_keep_their_ids(scene: Scene, altered: Altered) -> None:
    scene.engine.texts = [CALL, "hello"]
    said = await scene.say([HI], [BASH])
    await scene.say([HI, altered(said), NEXT], [BASH])
    _assert_kept(scene)
    first, second = await scene.records()
    assert second.header.parent == first.header.call_id
    assert (first.header.branch, second.header.branch) == (0, 0)


async def test_no_content_and_null_are_the_same(scene: Scene) -> None:
    scene.engine.texts = ['<tool_call>\n{"name": "bash", "arguments": {}}\n</tool_call>', "hello", "hello"]
    said = await scene.say([HI], [BASH])
    for content in (None, ""):
        await scene.say([HI, {**said, "content": content}, NEXT], [BASH])
    assert {record.header.parent is None for record in (await scene.records())[1:]} == {False}


@pytest.mark.parametrize("finish", ["stop", "length"])
async def test_a_split_that_no_tokenizer_makes_is_kept(scene: Scene, finish: str) -> None:
    encode = scene.renderer.tokenizer.encode
    spelled = [token for letter in "hello world, run the command" for token in encode(letter)]
    assert spelled != encode("hello world, run the command"), "the text does not survive re-tokenising"
    closing = [scene.renderer.stop_token_ids[0]] if finish == "stop" else []
    scene.engine.say = lambda _: scene.engine.reply([*spelled, *closing], finish)
    said = await scene.say([HI])
    await scene.say([HI, said, HI])
    _assert_kept(scene)
    assert (await scene.records())[0].arrays.sampled.tolist() == [*spelled, *closing]


async def test_ids_that_are_no_text_are_kept(scene: Scene) -> None:
    half_a_character = scene.renderer.tokenizer.encode("ü")[:1]
    scene.engine.say = lambda _: scene.engine.reply([*half_a_character, scene.renderer.stop_token_ids[0]])
    said = await scene.say([HI])
    assert said["content"] == "\ufffd"
    await scene.say([HI, said, HI])
    _assert_kept(scene)


async def test_a_long_rollout_is_one_sequence(scene: Scene) -> None:
    messages = [HI]
    scene.engine.texts = [CALL] * 12
    for _ in range(12):
        said = await scene.say(messages, [BASH])
        messages += [_without("reasoning_content")(said), NEXT]
    records = await scene.records()
    assert {record.header.branch for record in records} == {0}
    *_, last = sequences(records).values()
    assert last == scene.engine.requests[-1]["input_ids"] + records[-1].arrays.sampled.tolist()
    rendered = [token for record in records for token in record.arrays.prompt.tolist()]
    assert len(rendered) + 12 * len(scene.engine.ids(CALL)) == len(last), "each id is prompt or sampled"


async def test_a_conversation_can_be_put_together_from_the_headers(scene: Scene) -> None:
    scene.engine.texts = [CALL, "hello"]
    said = await scene.say([HI], [BASH])
    await scene.say([HI, said, NEXT], [BASH])
    first, second = [record.header for record in await scene.records()]
    roles = [message["role"] for message in (*first.messages, *second.messages)]
    assert roles == ["user", "assistant", "tool", "assistant"]
    assert (list(first.tools), second.tools) == ([BASH], ())
    assert (first.prompt_tokens, second.sampled_tokens) == (len(scene.engine.requests[0]["input_ids"]), 2)


@pytest.mark.parametrize(
    ("later", "reason"),
    [
        (lambda said: [HI, {**said, "content": "something else"}, HI], "rewritten"),
        (lambda said: [HI, HI], "rewritten"),
        (lambda said: [{"role": "system", "content": "you are a sub-agent"}, HI], "unrelated"),
        (lambda said: [HI, said, {"role": "assistant", "content": "more"}, HI], "unbridged"),
    ],
)
async def test_another_history_opens_a_branch(
    scene: Scene, later: Callable[[Plain], list[Plain]], reason: str
) -> None:
    scene.engine.texts = ["hello", "world"]
    said = await scene.say([HI])
    await scene.say(later(said))
    first, second = await scene.records()
    assert (first.header.branch, second.header.branch, second.header.parent) == (0, 1, None)
    sequences([first, second])
    assert await scene.metric(f'podium_gateway_branches_total{{reason="{reason}"}}') == 1


async def test_other_tools_open_a_branch(scene: Scene) -> None:
    scene.engine.texts = ["hello", "world"]
    said = await scene.say([HI])
    await scene.say([HI, said, HI], [BASH])
    assert [record.header.branch for record in await scene.records()] == [0, 1]
    assert await scene.metric('podium_gateway_branches_total{reason="tools"}') == 1


async def test_two_calls_after_one_reply_share_it(scene: Scene) -> None:
    scene.engine.texts = ["hello", "world", "run"]
    said = await scene.say([HI])
    for text in ("a", "b"):
        await scene.say([HI, said, {"role": "user", "content": text}])
    first, second, third = [record.header for record in await scene.records()]
    assert (second.parent, third.parent) == (first.call_id, first.call_id)
    assert (first.branch, second.branch, third.branch) == (0, 0, 1)
    sequences(await scene.records())
    assert await scene.metric('podium_gateway_branches_total{reason="sibling"}') == 1


async def test_the_reply_that_is_meant_is_followed_where_two_read_the_same(scene: Scene) -> None:
    markup = scene.renderer.tokenizer.encode('<tool_call>\n{"name": "bash", "arguments": {}}\n</tool_call>')
    stop = scene.renderer.stop_token_ids[0]
    scene.engine.say = lambda _: scene.engine.reply([*markup, stop])
    said = [await scene.say([HI], [BASH]) for _ in range(2)]
    await scene.say([HI, said[0], NEXT], [BASH])
    headers = [record.header for record in await scene.records()]
    assert headers[2].parent == headers[0].call_id, "tool call ids tell which reply the agent follows"


async def test_a_prompt_that_lost_a_recorded_id_is_refused(scene: Scene, monkeypatch: Any) -> None:
    scene.engine.texts = ["hello"]
    said = await scene.say([HI])
    monkeypatch.setattr(
        scene.renderer, "bridge", lambda prompt, sampled, *_: [*prompt, *sampled[1:], 5, 5, 5]
    )
    with pytest.raises(openai.InternalServerError) as caught:
        await scene.say([HI, said, HI])
    assert caught.value.code == "tito_break"
    assert len(scene.engine.requests) == 1
    assert await scene.metric("podium_gateway_tito_breaks_total") == 1


def _assert_kept(scene: Scene) -> None:
    first, second = scene.engine.requests[:2]
    said = scene.engine.say(first)["output_ids"] if scene.engine.say else scene.engine.ids(CALL)  # type: ignore[index]
    kept = [*first["input_ids"], *said]
    assert second["input_ids"][: len(kept)] == kept
