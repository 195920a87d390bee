"""Packing loses nothing, mixes nothing, and does not change the loss."""

from pathlib import Path

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from learner.advantages import ScoredSample
from learner.losses import Band, direct
from learner.packing import PADDING, MicroBatch, pack, packing_efficiency
from learner.policy import Policy
from learner.samples import Sample
from tests.learner.synthetic import VOCABULARY

lengths = st.lists(st.integers(2, 40), min_size=1, max_size=30)


def scored(lengths: list[int]) -> list[ScoredSample]:
    generator = np.random.default_rng(len(lengths))
    made = []
    for number, length in enumerate(lengths):
        mask = generator.random(length) < 0.5
        mask[0] = False
        sample = Sample(
            rollout_id=f"{number:032x}",
            token_ids=generator.integers(0, VOCABULARY, length).astype(np.int32),
            loss_mask=mask,
            rollout_logprobs=(-generator.random(length) * 5).astype(np.float32),
            temperatures=np.full(length, generator.choice([0.7, 1.0]), np.float32),
            weight_versions=np.zeros(length, np.int32),
        )
        made.append(ScoredSample(sample, float(generator.normal()), float(number % 3 + 1)))
    return made


def segments(batch: MicroBatch) -> list[tuple[int, NDArray[np.intp]]]:
    """Row and columns of each sample of a micro-batch."""
    return [
        (row, np.flatnonzero(batch.sample_index[row] == index))
        for row in range(len(batch.sample_index))
        for index in np.unique(batch.sample_index[row])
        if index != PADDING
    ]


@given(lengths, st.integers(1, 200))
def test_each_token_is_packed_exactly_once(lengths: list[int], budget: int) -> None:
    samples = scored(lengths)
    packed = []
    for batch in pack(samples, budget):
        for row, columns in segments(batch):
            assert (np.diff(columns) == 1).all(), "a sample lies in one piece"
            assert (batch.position_ids[row, columns] == np.arange(len(columns))).all()
            packed.append(
                (
                    tuple(batch.token_ids[row, columns]),
                    tuple(batch.loss_mask[row, columns]),
                    tuple(batch.rollout_logprobs[row, columns]),
                    tuple(batch.temperatures[row, columns]),
                    batch.advantages[row, columns[0]],
                    batch.weights[row, columns[-1]],
                )
            )
        assert not batch.loss_mask[batch.sample_index == PADDING].any()
    wanted = [
        (
            tuple(s.sample.token_ids),
            tuple(s.sample.loss_mask),
            tuple(s.sample.rollout_logprobs),
            tuple(s.sample.temperatures),
            np.float32(s.advantage),
            np.float32(s.weight),
        )
        for s in samples
    ]
    assert sorted(packed) == sorted(wanted)


@given(lengths, st.integers(1, 200))
def test_nobody_sees_another_sample_or_the_future(lengths: list[int], budget: int) -> None:
    for batch in pack(scored(lengths), budget):
        rows, queries, keys = np.nonzero(batch.attention()[:, 0])
        assert (batch.sample_index[rows, queries] == batch.sample_index[rows, keys]).all()
        assert (keys <= queries).all()
        seen = batch.attention()[:, 0].sum(-1)
        real = batch.sample_index != PADDING
        assert (seen[real] == batch.position_ids[real] + 1).all(), "and everybody sees all of the own past"
        assert (seen > 0).all()


@given(lengths, st.integers(1, 200))
def test_micro_batches_keep_to_the_budget(lengths: list[int], budget: int) -> None:
    for batch in pack(scored(lengths), budget):
        assert batch.cells <= budget or len(segments(batch)) == 1


def test_packing_is_deterministic_and_dense() -> None:
    samples = scored([40, 39, 20, 20, 10, 10, 10, 10, 1 + 1] * 4)
    first, second = pack(samples, 400), pack(samples, 400)
    assert all((a.token_ids == b.token_ids).all() for a, b in zip(first, second, strict=True))
    assert packing_efficiency(first) > 0.9


@settings(max_examples=10, deadline=None)
@given(lengths)
def test_the_loss_is_the_same_packed_and_alone(policy_folder: Path, lengths: list[int]) -> None:
    policy = Policy.load(policy_folder)
    samples = scored(lengths)

    def loss_of(batches: list[MicroBatch]) -> float:
        total = 0.0
        for batch in batches:
            mask = batch.loss_mask
            tokens = direct(
                policy.score(batch).logprobs,
                torch.from_numpy(batch.rollout_logprobs[mask]),
                torch.from_numpy(batch.advantages[mask]),
                band=Band(1.0, 100.0),
            )
            total += float((tokens.values * torch.from_numpy(batch.weights[mask])).sum())
        weight = sum(float(batch.weights[batch.loss_mask].sum()) for batch in batches)
        return total / max(weight, 1.0)

    with torch.no_grad():
        alone = loss_of([batch for sample in samples for batch in pack([sample], 1)])
        assert abs(loss_of(pack(samples, 128)) - alone) <= 1e-5
