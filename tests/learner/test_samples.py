"""Token records become samples: masks, branches, and what is refused."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learner.samples import LostRecords, RolloutSamples, samples_of
from services.contracts.token_record import TokenArrays, TokenRecord, VersionSpan
from tests.learner.synthetic import VOCABULARY, Call, records, sealed_rollout


def samples(calls: Sequence[Call]) -> RolloutSamples:
    kept = records(calls)
    return samples_of(sealed_rollout(kept), kept, VOCABULARY)


def test_one_chain_is_one_sample() -> None:
    found = samples(
        [
            Call("a", None, [1, 2, 3], [4, 5], version=1, temperature=0.5, logprobs=[-0.1, -0.2]),
            Call("b", "a", [6], [7], version=2, logprobs=[-0.3]),
        ]
    )
    (sample,) = found.samples
    assert sample.token_ids.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert sample.loss_mask.tolist() == [False, False, False, True, True, False, True]
    assert sample.rollout_logprobs[sample.loss_mask].tolist() == pytest.approx([-0.1, -0.2, -0.3])
    assert sample.temperatures[sample.loss_mask].tolist() == [0.5, 0.5, 1.0]
    assert sample.weight_versions[sample.loss_mask].tolist() == [1, 1, 2]
    assert (found.turns, found.breaks, found.oldest_version) == (2, 0, 1)


def test_a_shared_turn_is_trained_once() -> None:
    shared = Call("a", None, [1], [2, 3])
    found = samples([shared, Call("b", "a", [4], [5]), Call("c", "a", [6], [7, 8])])
    first, second = found.samples
    assert first.token_ids.tolist() == [1, 2, 3, 4, 5]
    assert first.loss_mask.tolist() == [False, True, True, False, True]
    assert second.token_ids.tolist() == [1, 2, 3, 6, 7, 8]
    assert second.loss_mask.tolist() == [False, False, False, False, True, True]


def test_a_rewritten_history_is_a_sample_of_its_own() -> None:
    found = samples([Call("a", None, [1], [2]), Call("b", None, [3, 4], [5])])
    assert [sample.token_ids.tolist() for sample in found.samples] == [[1, 2], [3, 4, 5]]


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12)
)
def test_each_sampled_token_is_trained_exactly_once(tree: list[tuple[int, int, int]]) -> None:
    calls = []
    token = 0
    for index, (choice, prompts, sampled) in enumerate(tree):
        parent = None if choice % (index + 1) == index else f"call{choice % (index + 1)}"
        ids = [(token + offset) % VOCABULARY for offset in range(prompts + 1 + sampled)]
        token += len(ids)
        logprobs = [-float(token + offset) for offset in range(sampled)]
        calls.append(Call(f"call{index}", parent, ids[: prompts + 1], ids[prompts + 1 :], logprobs=logprobs))
    found = samples(calls)
    trained = sorted(
        float(logprob) for sample in found.samples for logprob in sample.rollout_logprobs[sample.loss_mask]
    )
    assert trained == sorted(logprob for call in calls for logprob in call.logprobs or [])
    assert found.breaks == 0


def test_a_call_whose_engine_saw_other_ids_is_a_counted_break() -> None:
    found = samples(
        [
            Call("a", None, [1], [2]),
            Call("b", "a", [3], [4], sent=[1, 9, 3]),
            Call("c", "a", [5], [6]),
        ]
    )
    assert (found.turns, found.breaks) == (3, 1)
    (sample,) = found.samples
    assert sample.token_ids.tolist() == [1, 2, 5, 6]
    assert sample.loss_mask.tolist() == [False, True, False, True], (
        "the shared turn is trained in what is left"
    )


def test_greedy_calls_have_log_probs_of_temperature_one() -> None:
    (sample,) = samples([Call("a", None, [1], [2], temperature=0.0)]).samples
    assert sample.temperatures.tolist() == [1.0, 1.0]


def test_a_call_after_sealing_is_left_out() -> None:
    kept = records([Call("a", None, [1], [2]), Call("b", "a", [3], [4])])
    found = samples_of(sealed_rollout(kept[:1]), kept, VOCABULARY)
    assert [sample.token_ids.tolist() for sample in found.samples] == [[1, 2]]


def _with(record: TokenRecord, **changes: object) -> TokenRecord:
    return TokenRecord(msgspec.structs.replace(record.header, **changes), record.arrays)


@pytest.mark.parametrize(
    ("calls", "reason"),
    [
        ([Call("a", None, [], [2])], "empty prompt"),
        ([Call("a", None, [1], [VOCABULARY])], "outside 0 to 63"),
        ([Call("a", None, [-1], [2])], "outside 0 to 63"),
        ([Call("a", None, [1], [2], logprobs=[float("nan")])], "non-finite"),
    ],
)
def test_records_that_cannot_be_trained_are_lost(calls: list[Call], reason: str) -> None:
    with pytest.raises(LostRecords, match=reason):
        samples(calls)


def test_missing_and_foreign_records_are_lost() -> None:
    kept = records([Call("a", None, [1], [2]), Call("b", "a", [3], [4])])
    rollout = sealed_rollout(kept)
    with pytest.raises(LostRecords, match="1 of 2 records are left"):
        samples_of(rollout, kept[:1], VOCABULARY)
    others = records([Call("a", None, [1], [2]), Call("b", "a", [3], [5])])
    with pytest.raises(LostRecords, match="not those that were sealed"):
        samples_of(rollout, others, VOCABULARY)


def test_a_damaged_array_is_lost() -> None:
    (record,) = records([Call("a", None, [1], [2])])
    rollout = sealed_rollout([record])
    bent = np.array([3], "<i4").tobytes()
    arrays = record.arrays
    damaged = TokenArrays(arrays.prompt_ids, bent, arrays.rollout_logprobs, arrays.input_digest)
    with pytest.raises(LostRecords, match="does not match its digest"):
        samples_of(rollout, [TokenRecord(record.header, damaged)], VOCABULARY)


def test_a_call_without_its_parent_or_its_versions_is_lost() -> None:
    kept = records([Call("a", None, [1], [2, 3])])
    rollout = sealed_rollout(kept)
    with pytest.raises(LostRecords, match="extends z"):
        samples_of(rollout, [_with(kept[0], parent="z")], VOCABULARY)
    with pytest.raises(LostRecords, match="without a weight version"):
        samples_of(rollout, [_with(kept[0], versions=(VersionSpan(0, 0, 1),))], VOCABULARY)


def test_a_rollout_without_calls_has_no_samples() -> None:
    found = samples_of(sealed_rollout([]), [], VOCABULARY)
    assert found == RolloutSamples((), 0, 0)
    assert replace(found, turns=0).oldest_version is None
