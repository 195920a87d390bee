"""Engines as real processes: ours, and SGLang where a command that starts it is given."""

import asyncio
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from transformers import Qwen3ForCausalLM

from services.kit.ports import free_port
from tests.tiny_model import write_tiny_model


@dataclass(frozen=True)
class Models:
    """Folders of two models of one shape, `a` and `b`, and what transformers computes with them."""

    a: Path
    b: Path
    reference: dict[Path, Qwen3ForCausalLM]

    def logprobs(self, folder: Path, ids: list[int], temperature: float = 1.0) -> torch.Tensor:
        """(len(ids), vocabulary): row i is the distribution of token i + 1."""
        with torch.inference_mode():
            logits = self.reference[folder](torch.tensor([ids])).logits[0]
        return torch.log_softmax(logits / temperature, -1)

    def scored(
        self, folder: Path, prompt: list[int], output: list[int], temperature: float = 1.0
    ) -> list[float]:
        """Log-prob of each output token."""
        rows = self.logprobs(folder, prompt + output, temperature)[len(prompt) - 1 : -1]
        return rows.gather(1, torch.tensor(output)[:, None])[:, 0].tolist()


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("models")
    a, b = write_tiny_model(root / "a", seed=0), write_tiny_model(root / "b", seed=1)
    return Models(a, b, {folder: Qwen3ForCausalLM.from_pretrained(folder) for folder in (a, b)})


@contextmanager
def cpu_engine(folder: Path, model: Path, **settings: object) -> Iterator[str]:
    """Our engine as a process of its own; yields its address."""
    ready = folder / "ready"
    values = {"MODEL_PATH": model, "PORT": 0, "READY_FILE": ready, **settings}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PODIUM_")}
    environment |= {f"PODIUM_INFERENCE_{name}": str(value) for name, value in values.items()}
    process = subprocess.Popen([sys.executable, "-m", "services.inference"], env=environment)
    with _stopped(process):
        _wait(process, ready.exists, 60)
        yield ready.read_text()


@contextmanager
def sglang_engine(model: Path) -> Iterator[str]:
    """SGLang, by the command of PODIUM_TEST_SGLANG with the model's folder and a port appended."""
    port = free_port()
    command = [*shlex.split(os.environ["PODIUM_TEST_SGLANG"]), str(model), str(port)]
    url = f"http://127.0.0.1:{port}"

    def healthy() -> bool:
        try:
            return httpx.get(f"{url}/health", timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    process = subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    with _stopped(process, group=True):
        _wait(process, healthy, 180)
        yield url


@pytest.fixture(scope="session", params=["cpu", pytest.param("sglang", marks=pytest.mark.sglang)])
def engine_url(
    request: pytest.FixtureRequest, models: Models, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of one engine after the other, each serving model `a`."""
    if request.param == "cpu":
        with cpu_engine(tmp_path_factory.mktemp("engine"), models.a) as url:
            yield url
    else:
        with sglang_engine(models.a) as url:
            yield url


@dataclass(frozen=True)
class Client:
    """Talks to one engine."""

    http: httpx.AsyncClient

    async def post(self, path: str, body: object, status: int = 200) -> Any:
        reply = await self.http.post(path, json=body)
        assert reply.status_code == status, reply.text
        return reply.json() if reply.headers.get("content-type", "").startswith("application/json") else None

    async def get(self, path: str, status: int = 200) -> Any:
        reply = await self.http.get(path)
        assert reply.status_code == status, reply.text
        return reply.json() if reply.content else None

    async def generate(self, ids: list[int], **options: Any) -> Any:
        """A reply with log-probs; keys of `sampling` and of the body as keywords."""
        sampling = {"max_new_tokens": 8, "ignore_eos": True} | options.pop("sampling", {})
        return await self.post(
            "/generate", {"input_ids": ids, "sampling_params": sampling, "return_logprob": True, **options}
        )

    async def update(self, folder: Path, version: str | None, *, flush: bool, status: int = 200) -> Any:
        body = {"model_path": str(folder), "weight_version": version, "flush_cache": flush}
        return await self.post("/update_weights_from_disk", body, status)

    async def running(self) -> int:
        load = (await self.get("/v1/loads"))["loads"][0]
        return int(load["num_running_reqs"]) + int(load["num_waiting_reqs"])

    async def idle(self) -> None:
        """Until nothing runs or waits."""
        async with asyncio.timeout(20):
            while await self.running():
                await asyncio.sleep(0.02)


@pytest.fixture
async def engine(engine_url: str, models: Models) -> AsyncIterator[Client]:
    """A client of an engine that is idle, serves model `a` as version "0", and has cached nothing."""
    async with httpx.AsyncClient(base_url=engine_url, timeout=60, trust_env=False) as http:
        client = Client(http)
        await client.post("/continue_generation", {})
        await client.post("/abort_request", {"abort_all": True})
        await client.idle()
        await client.update(models.a, "0", flush=True)
        yield client
        await client.post("/continue_generation", {})


@contextmanager
def _stopped(process: subprocess.Popen[bytes], *, group: bool = False) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if group:
            _kill_group(process.pid)


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def _wait(process: subprocess.Popen[bytes], ready: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert process.poll() is None, f"the engine ended with status {process.returncode}"
        assert time.monotonic() < deadline, f"the engine was not ready within {seconds} s"
        time.sleep(0.1)
