"""The model folder: small, whole, and made again by the same seed."""

import json
from pathlib import Path
from random import Random

import pytest
import torch
from safetensors import safe_open
from transformers import AutoTokenizer

from learner.warm_start.batches import Batch, copying_batches, demonstration_batches
from learner.warm_start.demonstrations import Tokens
from learner.warm_start.model import new_model, write_weights
from learner.warm_start.training import Schedule, next_token_loss, train
from services.rendering.tokenizer import ModelTokenizer

POLICY = Path(__file__).parents[3] / "learner/policy"
FILES = {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json"}


def test_shipped_folder_is_small_and_whole() -> None:
    sizes = {file.name: file.stat().st_size for file in POLICY.iterdir()}
    assert sizes.keys() >= FILES
    assert sum(sizes.values()) < 12_000_000
    with safe_open(POLICY / "model.safetensors", "pt") as weights:
        tensors = [weights.get_tensor(name) for name in weights.keys()]  # noqa: SIM118 - not a mapping
    assert sum(tensor.numel() for tensor in tensors) <= 5_000_000
    assert {tensor.dtype for tensor in tensors} == {torch.float32}
    assert all(torch.isfinite(tensor).all() for tensor in tensors)


def test_every_row_of_the_embedding_is_a_token() -> None:
    config = json.loads((POLICY / "config.json").read_text())
    with safe_open(POLICY / "model.safetensors", "pt") as weights:
        rows, width = weights.get_slice("model.embed_tokens.weight").get_shape()
        assert "lm_head.weight" not in weights.keys()  # noqa: SIM118 - not a mapping
    assert rows == config["vocab_size"] == ModelTokenizer(POLICY).vocabulary_size
    assert width == config["hidden_size"]


def test_transformers_reads_the_tokenizer_alike() -> None:
    text = "Put the line amber flint below the last line of cedar.md."
    assert AutoTokenizer.from_pretrained(POLICY).encode(text) == ModelTokenizer(POLICY).encode(text)


def batch(seed: int) -> Batch:
    return next(copying_batches(range(100, 200), length=24, size=4, random=Random(seed)))


def test_training_is_reproducible_and_lowers_the_loss(tmp_path: Path) -> None:
    losses, weights = [], []
    for folder in (tmp_path / "one", tmp_path / "two"):
        model = new_model(POLICY, seed=3)
        before = next_token_loss(model, batch(0)).item()
        train(model, iter([batch(0)] * 12), Schedule(steps=12, learning_rate=2e-3, warm_up=2), "test")
        losses.append(before - next_token_loss(model, batch(0)).item())
        folder.mkdir()
        write_weights(folder, model)
        weights.append((folder / "model.safetensors").read_bytes())
    assert losses[0] > 0.5
    assert weights[0] == weights[1]


def test_copying_counts_only_what_can_be_copied() -> None:
    exercise = batch(1)
    for ids, trained in zip(exercise.ids.tolist(), exercise.trained.tolist(), strict=True):
        for position, counts in enumerate(trained):
            assert not counts or ids[position] in ids[:position]


def test_padding_is_never_trained_and_no_demonstration_is_lost() -> None:
    episodes = [Tokens([number] * number, [number % 2 == 0] * number) for number in range(1, 42)]
    batches = demonstration_batches(episodes, size=8, random=Random(0))
    epoch = [next(batches) for _ in range(6)]
    rows = [(row, mask) for batch in epoch for row, mask in zip(batch.ids, batch.trained, strict=True)]
    assert sorted(int(row[0]) for row, _ in rows) == list(range(1, 42))
    for row, mask in rows:
        assert int(mask.sum()) == (int(row[0]) if int(row[0]) % 2 == 0 else 0)


def test_schedule_rises_then_falls_to_nothing() -> None:
    schedule = Schedule(steps=100, learning_rate=1.0, warm_up=10)
    assert schedule.at(0) == pytest.approx(0.1)
    assert max(map(schedule.at, range(100))) > 0.95
    assert schedule.at(100) == pytest.approx(0.0)
