"""The contract of the token store, over memory and Redis."""

import asyncio
import math
from dataclasses import dataclass

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.contracts.words import new_id
from services.transport.token_store import DamagedRecord, TokenStore
from tests.services.transport.words import ROLLOUT, token_record

TOKEN = st.integers(0, 2**31 - 1)


@dataclass(frozen=True)
class Call:
    """The arrays of one drawn call."""

    prompt: list[int]
    sampled: list[int]
    logprobs: list[float]


CALLS = st.lists(
    st.integers(0, 40).flatmap(
        lambda length: st.builds(
            Call,
            st.lists(TOKEN, max_size=60),
            st.lists(TOKEN, min_size=length, max_size=length),
            st.lists(st.floats(-(2.0**100), 0, width=32), min_size=length, max_size=length),
        )
    ),
    max_size=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=CALLS)
async def test_records_come_back_as_they_were(store: TokenStore, calls: list[Call]) -> None:
    await store.discard(ROLLOUT, 1)
    records = [
        token_record(call.prompt, call.sampled, call.logprobs, index) for index, call in enumerate(calls)
    ]
    for record in records:
        await store.append(record)
    kept = await store.records(ROLLOUT, 1)
    assert kept == records
    assert await store.headers(ROLLOUT, 1) == [record.header for record in records]
    for record, call in zip(kept, calls, strict=True):
        assert record.arrays.prompt.tolist() == call.prompt
        assert record.arrays.sampled.tolist() == call.sampled
        assert np.array_equal(record.arrays.logprobs, np.array(call.logprobs, np.float32))


async def test_many_who_ask_at_once_are_each_told_of_their_own(store: TokenStore) -> None:
    """More than go into one read, and some of them hold nothing."""
    rollouts = [new_id() for _ in range(150)]
    kept = {
        rollout: token_record([1], [number], rollout_id=rollout)
        for number, rollout in enumerate(rollouts[::2])
    }
    await asyncio.gather(*(store.append(record) for record in kept.values()))
    found = await asyncio.gather(*(store.records(rollout, 1) for rollout in rollouts))
    assert found == [[kept[rollout]] if rollout in kept else [] for rollout in rollouts]


async def test_calls_come_in_the_order_of_their_index(store: TokenStore) -> None:
    for index in (2, 0, 1):
        await store.append(token_record([index], [7], index=index))
    assert [header.index for header in await store.headers(ROLLOUT, 1)] == [0, 1, 2]
    assert [record.arrays.prompt.tolist() for record in await store.records(ROLLOUT, 1)] == [[0], [1], [2]]


async def test_a_repeated_append_is_kept_once(store: TokenStore) -> None:
    """The client repeats a write when the reply to it is lost."""
    record = token_record([1, 2], [3])
    await store.append(record)
    await store.append(record)
    assert await store.records(ROLLOUT, 1) == [record]


async def test_attempts_are_apart_and_discarded_alone(store: TokenStore) -> None:
    first = token_record([1], [2])
    second = msgspec.structs.replace(first, header=msgspec.structs.replace(first.header, attempt=2))
    await store.append(first)
    await store.append(second)
    await store.discard(ROLLOUT, 1)
    await store.discard(ROLLOUT, 1)
    assert await store.records(ROLLOUT, 1) == []
    assert await store.records(ROLLOUT, 2) == [second]
    assert await store.headers(new_id(), 1) == []


async def test_a_wrong_digest_is_refused(store: TokenStore) -> None:
    record = token_record([1], [2])
    wrong = msgspec.structs.replace(record, header=msgspec.structs.replace(record.header, digest="0" * 32))
    with pytest.raises(DamagedRecord):
        await store.append(wrong)
    assert await store.headers(ROLLOUT, 1) == []


@pytest.mark.parametrize("logprob", [math.nan, math.inf, -math.inf])
async def test_no_non_finite_logprob_enters(store: TokenStore, logprob: float) -> None:
    with pytest.raises(ValueError, match="non-finite"):
        await store.append(token_record([1], [2, 3], [-0.5, logprob]))
    assert await store.headers(ROLLOUT, 1) == []


async def test_counts_that_disagree_are_refused(store: TokenStore) -> None:
    with pytest.raises(ValueError, match="sampled tokens"):
        await store.append(token_record([1], [2, 3], [-0.5]))
    assert await store.headers(ROLLOUT, 1) == []
