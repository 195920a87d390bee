"""What an unmodified OpenAI client sees."""

import asyncio
from typing import Any

import openai
import pytest

from services.kit.access import Claims, Scope
from tests.services.gateway.scene import BASH, Scene

HI: Any = [{"role": "user", "content": "hello"}]
BLOCK = '<tool_call>\n{"name": "bash", "arguments": {"command": "ls"}}\n</tool_call>'
CALL = f"<think>\nhm\n</think>\n\nlook\n{BLOCK}"


async def test_a_completion(scene: Scene) -> None:
    scene.engine.texts = ["hello world"]
    client = scene.client()
    reply = await client.chat.completions.create(model="any", messages=HI, logprobs=True)
    choice = reply.choices[0]
    assert (choice.message.content, choice.finish_reason, reply.model) == ("hello world", "stop", "policy")
    assert choice.logprobs is not None
    assert choice.logprobs.content is not None
    assert [entry.logprob for entry in choice.logprobs.content][:2] == [-0.125, -0.25]
    assert "".join(entry.token for entry in choice.logprobs.content) == "hello world<|im_end|>"
    assert reply.usage is not None
    assert reply.usage.prompt_tokens == len(scene.engine.requests[0]["input_ids"])
    assert reply.usage.completion_tokens == len(choice.logprobs.content)


async def test_tool_calls(scene: Scene) -> None:
    scene.engine.texts = [CALL]
    message = await scene.say(HI, [BASH])
    assert message["content"] == "look"
    assert message["reasoning_content"] == "hm"
    assert message["tool_calls"][0]["function"] == {"name": "bash", "arguments": '{"command": "ls"}'}


async def test_a_stream_carries_the_same_reply(scene: Scene) -> None:
    scene.engine.texts = [CALL]
    parts: list[Any] = []
    client = scene.client()
    stream: Any = await client.chat.completions.create(
        model="any", messages=HI, tools=[BASH], stream=True, stream_options={"include_usage": True}
    )  # type: ignore[call-overload]
    async for chunk in stream:
        parts.append(chunk)
    deltas = [part.choices[0].delta for part in parts if part.choices]
    assert "".join(delta.content or "" for delta in deltas) == "look"
    assert "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas) == "hm"
    calls = [call for delta in deltas for call in delta.tool_calls or ()]
    assert [(c.index, c.function.name, c.function.arguments) for c in calls] == [
        (0, "bash", '{"command": "ls"}')
    ]
    assert [part.choices[0].finish_reason for part in parts if part.choices][-1] == "tool_calls"
    assert parts[-1].usage.completion_tokens == len(scene.engine.ids(CALL))


async def test_models(scene: Scene) -> None:
    client = scene.client()
    assert [model.id async for model in client.models.list()] == ["policy"]


async def test_the_capability_decides_how_the_model_is_sampled(scene: Scene) -> None:
    scene.engine.texts = ["hello", "hello"]
    key = scene.key(temperature=0.5, top_p=0.9, top_k=7, max_new_tokens=33)
    client = scene.client(key)
    await client.chat.completions.create(
        model="any", messages=HI, temperature=0, top_p=1, max_tokens=9999, presence_penalty=2, seed=1
    )
    await client.chat.completions.create(model="any", messages=HI, max_completion_tokens=5)
    first, second = [request["sampling_params"] for request in scene.engine.requests]
    assert {name: first[name] for name in ("temperature", "top_p", "top_k", "max_new_tokens")} == {
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 7,
        "max_new_tokens": 33,
    }
    assert second["max_new_tokens"] == 5
    assert first["stop_token_ids"] == list(scene.renderer.stop_token_ids)
    assert (first["skip_special_tokens"], first["no_stop_trim"]) == (False, True)


async def test_a_stop_text_is_sampled_but_not_said(scene: Scene) -> None:
    ids = scene.renderer.tokenizer.encode("hello STOP")
    reply = scene.engine.reply(ids)
    reply["meta_info"]["finish_reason"] = {"type": "stop", "matched": "STOP"}
    scene.engine.say = lambda _: reply
    assert (await scene.say(HI, stop=["STOP"]))["content"] == "hello "
    assert scene.engine.requests[0]["sampling_params"]["stop"] == ["STOP"]
    assert (await scene.records())[0].arrays.sampled.tolist() == ids


async def test_a_context_that_is_too_long(scene: Scene) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await scene.say([{"role": "user", "content": "x" * 5000}])
    assert caught.value.code == "context_length_exceeded"
    assert scene.engine.requests == []


async def test_the_reply_is_clamped_to_what_is_left_of_the_context(scene: Scene) -> None:
    scene.engine.texts = ["hello"]
    await scene.say([{"role": "user", "content": "x" * 4000}])
    request = scene.engine.requests[0]
    assert len(request["input_ids"]) + request["sampling_params"]["max_new_tokens"] == 4096


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"n": 2}, "n"),
        ({"tools": [BASH], "tool_choice": "required"}, "tool_choice"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"top_logprobs": 3, "logprobs": True}, "top_logprobs"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "messages[0].content[0]",
        ),
    ],
)
async def test_what_is_not_supported_is_refused_by_name(scene: Scene, wish: Any, field: str) -> None:
    client = scene.client()
    with pytest.raises(openai.BadRequestError) as caught:
        await client.chat.completions.create(**{"model": "any", "messages": HI, **wish})
    assert caught.value.param == field


async def test_tool_choice_none_leaves_a_call_in_the_text(scene: Scene) -> None:
    scene.engine.texts = [CALL]
    message = await scene.say(HI, [BASH], tool_choice="none")
    assert "tool_calls" not in message
    assert "<tool_call>" in message["content"]


async def test_forged_expired_and_foreign_tokens_are_turned_away(scene: Scene) -> None:
    expired = scene.signer.mint(Claims(Scope.ROLLOUT, scene.rollout_id, 1), -1)
    for key in ("nonsense", scene.key()[:-4] + "AAAA", expired):
        client = scene.client(key)
        with pytest.raises(openai.AuthenticationError) as caught:
            await client.chat.completions.create(model="any", messages=HI)
        assert caught.value.code == "invalid_api_key"
    report = Claims(Scope.REPORT, scene.rollout_id, 1)
    for claims in (Claims(Scope.ENVIRONMENT), Claims(Scope.ADMIN), report):
        client = scene.client(scene.signer.mint(claims, 60))
        with pytest.raises(openai.PermissionDeniedError):
            await client.chat.completions.create(model="any", messages=HI)
    assert scene.engine.requests == []


async def test_a_capability_expires_while_it_is_known(scene: Scene) -> None:
    scene.engine.texts = ["hello", "hello"]
    short = scene.signer.mint(Claims(Scope.ROLLOUT, scene.rollout_id, 1), 1.5)
    client = scene.client(short)
    await client.chat.completions.create(model="any", messages=HI)
    await asyncio.sleep(1.5)
    with pytest.raises(openai.AuthenticationError):
        await client.chat.completions.create(model="any", messages=HI)


async def test_a_capability_opens_its_own_rollout_only(scene: Scene) -> None:
    scene.engine.texts = ["hello", "hello"]
    await scene.say(HI)
    other = "0" * 32
    client = scene.client(scene.key(other))
    said: Any = [*HI, {"role": "assistant", "content": "hello"}, *HI]
    await client.chat.completions.create(model="any", messages=said)
    assert len(await scene.records()) == 1
    (record,) = await scene.store.records(other, 1)
    assert record.header.parent is None, "nothing of the first rollout is known to the second"


async def test_an_attempt_is_over_once_the_next_one_calls(scene: Scene) -> None:
    scene.engine.texts = ["hello", "hello"]
    await scene.say(HI)
    client = scene.client(scene.key(attempt=2))
    await client.chat.completions.create(model="any", messages=HI)
    with pytest.raises(openai.PermissionDeniedError):
        await scene.say(HI)
    assert [len(await scene.records(attempt)) for attempt in (1, 2)] == [1, 1]
