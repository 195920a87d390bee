"""What one engine promises below HTTP: a budget that holds, and a crash that is told."""

from pathlib import Path

import pytest
import torch

from services.inference.cpu.checkpoint import read_weights
from services.inference.cpu.config import read_config
from services.inference.cpu.engine import CpuEngine
from services.inference.cpu.generation import Generation
from services.inference.cpu.intake import generation_of
from services.inference.cpu.qwen3 import Qwen3
from services.inference.cpu.scheduler import Limits, Scheduler
from services.inference.wire.prompt import Door, parse_generate
from services.kit.failure import Unavailable
from tests.services.inference.conftest import Models


class BrokenScheduler(Scheduler):
    def step(self) -> list[Generation]:
        raise RuntimeError("no memory left")


async def test_a_dead_thread_is_told(models: Models) -> None:
    config = read_config(models.a)
    model = Qwen3(config, read_weights(models.a, config))
    crashes: list[str] = []
    scheduler = BrokenScheduler(model, Limits(4, 1000), "0")
    engine = CpuEngine(scheduler, Path(models.a), None, on_crash=lambda: crashes.append("told"))
    door = Door(config.vocabulary, config.context_length, None)
    async with engine.running():
        assert engine.healthy
        with pytest.raises(Unavailable):
            await engine.generate(parse_generate(b'{"input_ids": [1]}', door).prompts)
        assert not engine.healthy
        with pytest.raises(Unavailable):
            await engine.load()
    assert crashes == ["told"]


def test_a_budget_holds_requests_back_and_bounds_what_is_cached(models: Models) -> None:
    config = read_config(models.a)
    scheduler = Scheduler(Qwen3(config, read_weights(models.a, config)), Limits(16, 100), "0", seed=1)
    door = Door(config.vocabulary, 100, None)
    body = (
        b'{"input_ids": [[3,4,5,6],[7,4,5,6],[8,4,5,6],[9,4,5,6]], "sampling_params": {"max_new_tokens": 40}}'
    )
    generations = [generation_of(prompt, frozenset(), None) for prompt in parse_generate(body, door).prompts]
    for one in generations:
        scheduler.add(one)
    with torch.inference_mode():
        while scheduler.has_work:
            scheduler.step()
            assert len(scheduler.running) <= 2
            assert scheduler.used_tokens <= 100
            assert sum(one.reserved for one in scheduler.running) + scheduler.cached_tokens <= 100
    assert [len(one.output) for one in generations] == [40] * 4
