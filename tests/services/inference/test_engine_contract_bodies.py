"""The engine contract: the shape of replies and of refusals, on ours and on SGLang alike."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.services.inference.conftest import Client, Models
from tests.services.inference.flight import PROMPT, InFlight, logprobs_of, spans_of

META: dict[str, type | tuple[type, ...]] = {
    "id": str,
    "finish_reason": dict,
    "prompt_tokens": int,
    "weight_version": str,
    "num_retractions": int,
    "input_token_logprobs": list,
    "output_token_logprobs": list,
    "output_token_logprobs_length": int,
    "reasoning_tokens": int,
    "completion_tokens": int,
    "cached_tokens": int,
    "weight_versions": list,
    "cached_tokens_details": (dict, type(None)),
    "dp_rank": type(None),
    "e2e_latency": float,
    "response_sent_to_client_ts": float,
}


async def test_a_reply_has_the_keys_and_types_of_the_protocol(engine: Client) -> None:
    reply = await engine.generate(PROMPT, rid="shape-0", return_prompt_token_ids=True)
    assert reply.keys() == {"text", "output_ids", "meta_info", "prompt_token_ids"}
    assert isinstance(reply["text"], str)
    assert reply["prompt_token_ids"] == PROMPT
    meta = reply["meta_info"]
    assert meta.keys() == META.keys()
    for key, kind in META.items():
        assert isinstance(meta[key], kind), key
    assert meta["id"] == "shape-0"
    assert meta["prompt_tokens"] == len(PROMPT)
    assert meta["completion_tokens"] == meta["output_token_logprobs_length"] == 8
    assert spans_of(reply) == [("0", 0, 8)]
    assert [entry[1:] for entry in meta["output_token_logprobs"]] == [
        [token, None] for token in reply["output_ids"]
    ]


async def test_text_is_taken_and_given(engine: Client) -> None:
    body = {"text": "hello", "sampling_params": {"max_new_tokens": 4, "temperature": 0}}
    reply = await engine.post("/generate", body)
    assert reply["meta_info"]["prompt_tokens"] == 5


async def test_a_batch_is_an_array(engine: Client) -> None:
    replies = await engine.generate([PROMPT, PROMPT[:4]], rid=["batch-0", "batch-1"])  # type: ignore[list-item]
    assert [reply["meta_info"]["id"] for reply in replies] == ["batch-0", "batch-1"]
    assert [reply["meta_info"]["prompt_tokens"] for reply in replies] == [7, 4]


async def test_several_samples_of_a_prompt_are_an_array(engine: Client) -> None:
    replies = await engine.generate(PROMPT, sampling={"n": 3, "max_new_tokens": 30})
    assert len(replies) == 3
    assert len({tuple(reply["output_ids"]) for reply in replies}) == 3
    assert len({reply["meta_info"]["id"] for reply in replies}) == 3


async def test_a_stream_repeats_what_came_before_and_ends_with_done(engine: Client) -> None:
    sampling = {"max_new_tokens": 30, "ignore_eos": True}
    body = {"input_ids": PROMPT, "stream": True, "return_logprob": True, "sampling_params": sampling}
    events = []
    async with engine.http.stream("POST", "/generate", json=body) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        async for line in reply.aiter_lines():
            if line:
                assert line.startswith("data: ")
                events.append(line.removeprefix("data: "))
    assert events.pop() == "[DONE]"
    chunks = [json.loads(event) for event in events]
    whole = chunks[-1]
    for chunk in chunks:
        count = len(chunk["output_ids"])
        assert chunk["output_ids"] == whole["output_ids"][:count]
        assert logprobs_of(chunk) == logprobs_of(whole)[:count]
    assert len(whole["output_ids"]) == 30
    assert all(chunk["meta_info"]["finish_reason"] is None for chunk in chunks[:-1])
    assert whole["meta_info"]["finish_reason"] == {"type": "length", "length": 30}
    assert spans_of(whole) == [("0", 0, 30)]


async def test_what_is_served_is_told(engine: Client, models: Models) -> None:
    info = await engine.get("/model_info")
    assert info["model_path"] == str(models.a)
    assert info["weight_version"] == "0"
    assert info["is_generation"] is True
    assert info["architectures"] == ["Qwen3ForCausalLM"]
    assert await engine.get("/get_model_info") == info
    server = await engine.get("/server_info")
    assert {"version", "internal_states", "max_total_num_tokens", "max_running_requests"} <= server.keys()
    (model,) = (await engine.get("/v1/models"))["data"]
    assert model["max_model_len"] == 2048


async def test_load_counts_what_runs(engine: Client) -> None:
    idle = (await engine.get("/v1/loads"))["loads"][0]
    assert (idle["num_running_reqs"], idle["num_waiting_reqs"]) == (0, 0)
    async with InFlight(engine):
        load = (await engine.get("/v1/loads"))["loads"][0]
        assert load["num_running_reqs"] == 1
    assert {"token_usage", "gen_throughput", "cache_hit_rate", "max_total_num_tokens"} <= load.keys()


async def test_health_is_quick_and_does_not_mind_a_pause(engine: Client) -> None:
    await engine.get("/health")
    await engine.post("/pause_generation", {"mode": "in_place"})
    async with asyncio.timeout(2):
        await engine.get("/health")


REFUSED: dict[str, tuple[dict[str, Any], type[Any]]] = {
    "unknown sampling key": ({"input_ids": PROMPT, "sampling_params": {"bogus": 1}}, str),
    "a string for an int": ({"input_ids": PROMPT, "sampling_params": {"max_new_tokens": "4"}}, str),
    "nothing to read": ({"input_ids": []}, dict),
    "neither text nor ids": ({"sampling_params": {}}, dict),
    "longer than the context": ({"input_ids": [5] * 3000}, dict),
    "asks beyond the context": ({"input_ids": PROMPT, "sampling_params": {"max_new_tokens": 2047}}, dict),
    "the same id twice": ({"input_ids": [PROMPT, PROMPT], "rid": ["same", "same"]}, dict),
    "negative temperature": ({"input_ids": PROMPT, "sampling_params": {"temperature": -1.0}}, dict),
    "top_p of nothing": ({"input_ids": PROMPT, "sampling_params": {"top_p": 0.0}}, dict),
    "top_k of nothing": ({"input_ids": PROMPT, "sampling_params": {"top_k": 0}}, dict),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_bad_requests_are_refused(engine: Client, case: str) -> None:
    body, shape = REFUSED[case]
    reply = await engine.post("/generate", body, 400)
    text = reply["error"] if shape is str else reply["error"]["message"]
    assert isinstance(text, str)


async def test_half_a_token_is_refused(engine: Client) -> None:
    assert (await engine.post("/generate", {"input_ids": [1, 1.5]}, 400))["object"] == "error"


async def test_an_unknown_key_beside_the_prompt_is_ignored(engine: Client) -> None:
    assert len((await engine.generate(PROMPT, bogus_field=1))["output_ids"]) == 8


async def test_an_id_that_is_in_flight_is_refused(engine: Client) -> None:
    async with InFlight(engine, rid="one"):
        body = {"input_ids": PROMPT, "rid": "one", "sampling_params": {"max_new_tokens": 2}}
        await engine.post("/generate", body, 400)


@pytest.mark.parametrize("path", ["/pause_generation", "/continue_generation", "/update_weights_from_disk"])
async def test_control_needs_a_body(engine: Client, path: str) -> None:
    reply = await engine.http.post(path)
    assert reply.status_code == 400
    assert reply.json()["object"] == "error"


async def test_an_unknown_pause_mode_is_refused(engine: Client) -> None:
    error = await engine.post("/pause_generation", {"mode": "later"}, 400)
    assert (error["object"], error["type"], error["code"]) == ("error", "Bad Request", 400)
    assert "in_place" in error["message"]


async def test_an_unknown_route_is_not_found(engine: Client) -> None:
    reply = await engine.http.get("/nope")
    assert (reply.status_code, reply.json()) == (404, {"detail": "Not Found"})


async def test_metrics_are_for_prometheus(engine_url: str) -> None:
    async with httpx.AsyncClient(base_url=engine_url, trust_env=False) as http:
        assert (await http.get("/metrics")).status_code in (200, 404)
