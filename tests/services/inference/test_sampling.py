"""Samples follow the distribution that their rule describes."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from services.inference.cpu.sampling import Row, Sampler, SamplingRule, uniform_of

LOGITS = torch.tensor([2.0, 1.0, 0.0, -1.0, -2.0])


def shares(rule: SamplingRule, draws: int = 20_000) -> list[float]:
    rows = [Row(rule, [], frozenset())] * draws
    ids, _ = Sampler(seed=1).sample(LOGITS.repeat(draws, 1), rows)
    return (torch.bincount(torch.tensor(ids), minlength=5) / draws).tolist()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_are_as_frequent_as_they_are_likely(temperature: float) -> None:
    expected = torch.softmax(LOGITS / temperature, -1).tolist()
    assert shares(SamplingRule(temperature=temperature)) == pytest.approx(expected, abs=0.015)


@pytest.mark.parametrize(
    ("rule", "kept"),
    [(SamplingRule(top_k=2), 2), (SamplingRule(top_p=0.8), 2), (SamplingRule(min_p=0.1), 3)],
)
def test_truncation_keeps_the_likely_ones_in_proportion(rule: SamplingRule, kept: int) -> None:
    likely = torch.softmax(LOGITS[:kept], -1).tolist()
    assert shares(rule, 4000) == pytest.approx(likely + [0.0] * (5 - kept), abs=0.03)


def test_greedy_rows_and_sampled_rows_share_a_batch() -> None:
    rows = [
        Row(SamplingRule(temperature=0), [], frozenset()),
        Row(SamplingRule(seed=3), [], frozenset()),
    ] * 50
    ids, logprobs = Sampler(seed=1).sample(LOGITS.repeat(100, 1), rows)
    assert set(ids[::2]) == {0}
    assert len(set(ids[1::2])) == 1
    assert logprobs[0] == pytest.approx(float(torch.log_softmax(LOGITS, -1)[0]))


def test_penalties_count_the_output_alone() -> None:
    rule = SamplingRule(temperature=0, repetition_penalty=2.0, frequency_penalty=0.25, presence_penalty=0.5)
    _, logprobs = Sampler(seed=1).sample(LOGITS[None].clone(), [Row(rule, [0, 0, 4], frozenset())])
    expected = LOGITS.clone()
    expected[0] = (2.0 - 0.5 - 2 * 0.25) / 2.0
    expected[4] = (-2.0 - 0.5 - 0.25) * 2.0
    assert logprobs[0] == pytest.approx(float(torch.log_softmax(expected, -1).max()), abs=1e-6)


def test_a_forbidden_end_is_never_drawn() -> None:
    ids, _ = Sampler(seed=1).sample(LOGITS.repeat(500, 1), [Row(SamplingRule(), [], frozenset({0}))] * 500)
    assert 0 not in ids


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 10**6))
def test_a_seed_gives_a_number_below_one(seed: int, index: int) -> None:
    assert 0 <= uniform_of(seed, index) < 1
    assert uniform_of(seed, index) == uniform_of(seed, index)


def test_numbers_of_a_seed_are_spread_evenly() -> None:
    for numbers in (
        [uniform_of(7, index) for index in range(4000)],
        [uniform_of(seed, 0) for seed in range(4000)],
    ):
        tenths = [sum(1 for number in numbers if int(number * 10) == tenth) for tenth in range(10)]
        assert max(abs(count - 400) for count in tenths) < 5 * math.sqrt(400)
