"""With the same weights, the learner's log-probs are the engine's, for every sampled token.

A rollout of three turns, the second of which is under way when the weights change; against our CPU
engine and the real SGLang. The engine recomputes its cache (`retract` and flush), so that tokens after
the change depend on the new weights alone.
"""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch

from learner.advantages import ScoredSample
from learner.packing import pack
from learner.policy import Policy
from learner.samples import Sample, samples_of
from learner.weights import WeightFolder
from services.contracts.token_record import (
    CallHeader,
    TokenArrays,
    TokenRecord,
    VersionSpan,
)
from services.kit.crash import CrashPoints
from services.kit.ports import free_port
from tests.learner.synthetic import sealed_rollout

POLICY = Path(__file__).parents[2] / "learner" / "policy"
TOLERANCE = 1e-4
TOKENS_BEFORE_UPDATE = 20

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(params=["cpu", pytest.param("sglang", marks=pytest.mark.sglang)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of an engine process that serves the policy."""
    port = free_port()
    ours = [sys.executable, "-m", "services.inference"]
    sglang = [*shlex.split(os.environ.get("PODIUM_TEST_SGLANG", "")), str(POLICY), str(port)]
    settings = {"PODIUM_INFERENCE_MODEL_PATH": str(POLICY), "PODIUM_INFERENCE_PORT": str(port)}
    command, log = ours if request.param == "cpu" else sglang, tmp_path / "engine.log"
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False)
    with _process(command, settings, log), client:
        _wait_until_ready(client, log)
        yield client


def test_log_probs_agree_across_a_weight_update(engine: httpx.Client, tmp_path: Path) -> None:
    first, second = Policy.load(POLICY), Policy.load(POLICY)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in second.model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    published = WeightFolder(tmp_path / "weights", 2, CrashPoints()).write(second, 1, 1).path

    kept = _rollout(engine, published)
    (sample,) = samples_of(sealed_rollout(kept), kept, first.vocabulary).samples
    versions = sample.weight_versions[sample.loss_mask]
    assert set(versions.tolist()) == {0, 1}
    second_turn = kept[1].header.versions
    assert [span.version for span in second_turn] == [0, 1], "the update came in the middle of a turn"

    logprobs = np.where(versions == 0, _score(first, sample), _score(second, sample))
    recorded = sample.rollout_logprobs[sample.loss_mask]
    worst = int(np.abs(logprobs - recorded).argmax())
    told = f"token {worst} of version {versions[worst]}; the second turn: {second_turn}"
    assert np.abs(logprobs - recorded).max() <= TOLERANCE, told
    swapped = np.where(versions == 1, _score(first, sample), _score(second, sample))
    assert np.abs(swapped - recorded).mean() > 100 * TOLERANCE, "other weights would be noticed"


@torch.no_grad()
def _score(policy: Policy, sample: Sample) -> Any:
    (batch,) = pack([ScoredSample(sample, 0.0, 1.0)], 4096)
    return policy.score(batch).logprobs.numpy()


def _rollout(engine: httpx.Client, new_weights: str) -> list[TokenRecord]:
    """Three turns as a gateway records them."""
    generator = np.random.default_rng(0)
    history: list[int] = []
    kept: list[TokenRecord] = []
    for turn, (temperature, length) in enumerate([(1.0, 40), (2.5, 300), (1.3, 40)]):
        prompt = generator.integers(10, 900, 15).tolist()
        request = {
            "input_ids": [*history, *prompt],
            "sampling_params": {"temperature": temperature, "max_new_tokens": length, "ignore_eos": True},
            "return_logprob": True,
            "extra_key": f"v{turn // 2}",
            "stream": True,
        }
        reply = _generate(engine, request, new_weights if turn == 1 else None)
        kept.append(_record(turn, prompt, history, temperature, reply))
        history += [*prompt, *reply["output_ids"]]
    return kept


def _generate(engine: httpx.Client, request: dict[str, Any], new_weights: str | None) -> dict[str, Any]:
    """The last chunk of a streamed reply; the weights change once some tokens are there."""
    reply: dict[str, Any] = {}
    with engine.stream("POST", "/generate", json=request) as chunks:
        for line in chunks.iter_lines():
            if not line.startswith("data: {"):
                continue
            reply = json.loads(line.removeprefix("data: "))
            if new_weights and len(reply["output_ids"]) >= TOKENS_BEFORE_UPDATE:
                _update(engine, new_weights)
                new_weights = None
    return reply


def _update(engine: httpx.Client, folder: str) -> None:
    engine.post("/pause_generation", json={"mode": "retract"}).raise_for_status()
    update = {"model_path": folder, "weight_version": "1", "flush_cache": True}
    reply = engine.post("/update_weights_from_disk", json=update)
    assert reply.json()["success"], reply.text
    engine.post("/continue_generation", json={}).raise_for_status()


def _record(
    turn: int, prompt: list[int], history: list[int], temperature: float, reply: dict[str, Any]
) -> TokenRecord:
    meta = reply["meta_info"]
    arrays = TokenArrays.of(
        np.array(prompt, np.int32),
        np.array(reply["output_ids"], np.int32),
        np.array([entry[0] for entry in meta["output_token_logprobs"]], np.float32),
        np.array([*history, *prompt], np.int32),
    )
    spans = [(span["version"], span["start"], span["end"]) for span in meta["weight_versions"]]
    header = CallHeader(
        rollout_id="a" * 32,
        attempt=1,
        call_id=f"call{turn}",
        index=turn,
        branch=0,
        parent=f"call{turn - 1}" if turn else None,
        prompt_tokens=len(prompt),
        sampled_tokens=len(reply["output_ids"]),
        versions=tuple(
            VersionSpan(0 if word == "default" else int(word), start, end) for word, start, end in spans
        ),
        engine="engine",
        temperature=temperature,
        finish_reason=meta["finish_reason"]["type"],
        messages=(),
        digest=arrays.digest(),
    )
    return TokenRecord(header, arrays)


@contextmanager
def _process(command: list[str], settings: dict[str, str], log: Path) -> Iterator[None]:
    """A server in a process group of its own, which is gone afterwards."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            env=os.environ | settings,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        yield
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def _wait_until_ready(client: httpx.Client, log: Path, patience_s: float = 240.0) -> None:
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        try:
            if client.get("/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise TimeoutError(log.read_text()[-3000:])
