"""Where the CPU engine promises more than SGLang on a processor does."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.services.inference.conftest import Client, Models, cpu_engine
from tests.services.inference.flight import InFlight
from tests.tiny_model import write_tiny_model

PROMPT = [10, 20, 30, 40, 50, 60, 70]


@pytest.fixture(scope="module")
def url(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("engine")
    with cpu_engine(folder, models.a, HEALTH_TIMEOUT_S=0.3, MAX_RUNNING_REQUESTS=4) as address:
        yield address


@pytest.fixture
async def engine(url: str, models: Models) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:
        client = Client(http)
        await client.post("/continue_generation", {})
        await client.update(models.a, "0", flush=True)
        yield client


async def test_ids_outside_the_vocabulary_are_refused_and_harm_nothing(engine: Client) -> None:
    for ids in ([512], [-1], [5, 99_999]):
        error = (await engine.post("/generate", {"input_ids": ids}, 400))["error"]
        assert str(ids[-1]) in error["message"]
        assert "512" in error["message"]
    assert (await engine.generate(PROMPT))["output_ids"]


@pytest.mark.parametrize(
    "name", ["json_schema", "regex", "ebnf", "structural_tag", "stop_regex", "beam_width"]
)
async def test_sampling_it_cannot_do_is_refused_by_name(engine: Client, name: str) -> None:
    body = {"input_ids": PROMPT, "sampling_params": {name: 2 if name == "beam_width" else "x"}}
    assert f"'{name}'" in (await engine.post("/generate", body, 400))["error"]["message"]


@pytest.mark.parametrize("name", ["top_logprobs_num", "lora_path", "return_hidden_states", "image_data"])
async def test_requests_it_cannot_serve_are_refused_by_name(engine: Client, name: str) -> None:
    body = {"input_ids": PROMPT, name: 2 if name == "top_logprobs_num" else "x"}
    assert f"'{name}'" in (await engine.post("/generate", body, 400))["error"]["message"]


async def test_a_seed_decides_the_sample_whoever_else_runs(engine: Client) -> None:
    sampling = {"sampling_seed": 7, "max_new_tokens": 40}
    alone = await engine.generate(PROMPT, sampling=sampling)
    company = [engine.generate([token, 5], sampling={"max_new_tokens": 60}) for token in range(3, 9)]
    crowded, *_ = await asyncio.gather(engine.generate(PROMPT, sampling=sampling), *company)
    assert crowded["output_ids"] == alone["output_ids"]
    other = await engine.generate(PROMPT, sampling=sampling | {"sampling_seed": 8})
    assert other["output_ids"] != alone["output_ids"]


async def test_a_retraction_does_not_change_a_seeded_sample(engine: Client) -> None:
    sampling = {"sampling_seed": 7, "max_new_tokens": 1000}
    whole = await engine.generate(PROMPT, sampling=sampling)
    interrupted = asyncio.create_task(engine.generate(PROMPT, sampling=sampling))
    while not await engine.running():
        await asyncio.sleep(0.01)
    await engine.post("/pause_generation", {"mode": "retract"})
    await engine.post("/continue_generation", {})
    reply = await interrupted
    assert reply["meta_info"]["num_retractions"] == 1
    assert reply["output_ids"] == whole["output_ids"]


def _without_a_tensor(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in tensors.items() if name != "model.norm.weight"}


def _with_another_shape(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return tensors | {"model.norm.weight": torch.ones(63)}


def _with_a_stranger(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return tensors | {"model.layers.0.self_attn.q_proj.bias": torch.ones(128)}


def _with_nan(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return tensors | {"model.norm.weight": torch.full((64,), torch.nan)}


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_without_a_tensor, "missing 1 (model.norm.weight)"),
        (_with_another_shape, "shape (63,)"),
        (_with_a_stranger, "unexpected 1"),
        (_with_nan, "not finite"),
    ],
)
async def test_weights_of_another_model_are_refused_and_the_old_ones_stay(
    engine: Client, models: Models, tmp_path: Path, spoil: Any, why: str
) -> None:
    before = await engine.post("/weights_checker", {})
    folder = Path(shutil.copytree(models.b, tmp_path / "spoiled"))
    save_file(spoil(load_file(models.b / "model.safetensors")), folder / "model.safetensors")
    refused = await engine.update(folder, "1", flush=True, status=400)
    assert refused["success"] is False
    assert why in refused["message"]
    assert await engine.post("/weights_checker", {}) == before
    assert (await engine.get("/model_info"))["model_path"] == str(models.a)


async def test_a_file_cut_short_is_refused(engine: Client, models: Models, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(models.b, tmp_path / "cut"))
    stored = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(stored[: len(stored) // 2])
    assert "cannot be read" in (await engine.update(folder, "1", flush=True, status=400))["message"]


async def test_more_requests_than_slots_wait_their_turn(engine: Client, models: Models) -> None:
    sampling = {"temperature": 0, "max_new_tokens": 30}
    replies = await asyncio.gather(
        *(engine.generate([token, 9], sampling=sampling) for token in range(3, 20))
    )
    for token, reply in zip(range(3, 20), replies, strict=True):
        expected = models.scored(models.a, [token, 9], reply["output_ids"])
        assert [entry[0] for entry in reply["meta_info"]["output_token_logprobs"]] == pytest.approx(
            expected, abs=1e-4
        )


async def test_a_client_that_leaves_aborts_its_request(engine: Client) -> None:
    async with InFlight(engine):
        # Paused, it cannot end by itself.
        await engine.post("/pause_generation", {"mode": "retract"})
        assert await engine.running() == 1
    await engine.idle()


async def test_the_generating_health_check_fails_while_paused(engine: Client) -> None:
    assert (await engine.http.get("/health_generate")).status_code == 200
    assert (await engine.http.get("/ready")).status_code == 200
    await engine.post("/pause_generation", {"mode": "in_place"})
    assert (await engine.http.get("/health_generate")).status_code == 503
    await engine.post("/continue_generation", {})
    assert (await engine.http.get("/health_generate")).status_code == 200


async def test_streams_of_a_batch_say_which_prompt_they_continue(engine: Client) -> None:
    sampling = {"max_new_tokens": 5, "ignore_eos": True}
    body = {"input_ids": [PROMPT, [9]], "stream": True, "sampling_params": sampling}
    text = (await engine.http.post("/generate", json=body)).text
    assert '"index":0' in text
    assert '"index":1' in text
    assert text.endswith("data: [DONE]\n\n")


async def test_metrics_have_sglang_names(engine: Client) -> None:
    await engine.generate(PROMPT)
    text = (await engine.http.get("/metrics")).text
    for name in ("num_running_reqs", "num_queue_reqs", "token_usage", "cache_hit_rate", "gen_throughput"):
        assert f"\nsglang_{name} " in text
    for name in ("sglang_prompt_tokens_total", "sglang_generation_tokens_total", "podium_engine_steps_total"):
        assert f"\n{name} " in text
    assert 'podium_weight_updates_total{result="completed"}' in text


def test_a_model_with_a_head_of_its_own(models: Models, tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "untied", seed=3, hidden=32, layers=1, vocabulary=300, tied=False)
    with cpu_engine(tmp_path, model, CONTEXT_LENGTH=64) as address:
        body = {"input_ids": [5, 6, 7], "sampling_params": {"max_new_tokens": 61, "temperature": 0}}
        reply = httpx.post(f"{address}/generate", json=body | {"return_logprob": True}, trust_env=False)
        assert reply.status_code == 200
        too_long = body | {"input_ids": [5] * 4}
        assert httpx.post(f"{address}/generate", json=too_long, trust_env=False).status_code == 400
    ids = reply.json()["output_ids"]
    reference = type(next(iter(models.reference.values()))).from_pretrained(model)
    scored = Models(model, model, {model: reference}).scored(model, [5, 6, 7], ids)
    logprobs = [entry[0] for entry in reply.json()["meta_info"]["output_token_logprobs"]]
    assert logprobs == pytest.approx(scored, abs=1e-4)


def test_keys_guard_generation_and_control(models: Models, tmp_path: Path) -> None:
    for name in ("api", "admin"):
        (tmp_path / name).write_text(f"{name}-key\n")
    keys = {"API_KEY_FILE": tmp_path / "api", "ADMIN_TOKEN_FILE": tmp_path / "admin"}
    body = {"input_ids": [5], "sampling_params": {"max_new_tokens": 1}}
    with cpu_engine(tmp_path, models.a, **keys) as address:

        def status(path: str, content: object, key: str) -> int:
            headers = {"authorization": f"Bearer {key}"} if key else {}
            return httpx.post(address + path, json=content, headers=headers, trust_env=False).status_code

        assert [status("/generate", body, key) for key in ("", "wrong", "api-key")] == [401, 401, 200]
        paused = [status("/pause_generation", {}, key) for key in ("", "api-key", "admin-key")]
        assert paused == [401, 401, 200]
        assert httpx.get(f"{address}/health", trust_env=False).status_code == 200
        assert httpx.get(f"{address}/v1/loads", trust_env=False).status_code == 401
