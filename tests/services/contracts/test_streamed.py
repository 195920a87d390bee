"""What travels through Redis: digests see every change, and counts and numbers are checked."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.sealed_group import SealedGroup, SealedRollout
from services.contracts.token_record import CallHeader, TokenArrays, VersionSpan, ids_digest, records_digest

IDS = st.lists(st.integers(0, 2**31 - 1), max_size=20)


def arrays_of(prompt: list[int], sampled: list[int]) -> TokenArrays:
    ids = np.array(prompt, np.int32)
    return TokenArrays.of(ids, np.array(sampled, np.int32), np.full(len(sampled), -0.5, np.float32), ids)


def header(index: int, digest: str, versions: tuple[VersionSpan, ...] = ()) -> CallHeader:
    return CallHeader(
        "r", 1, f"c{index}", index, 0, None, 0, 0, versions, "e", 1.0, "stop", (), digest=digest
    )


@given(prompt=IDS, sampled=IDS)
def test_arrays_survive_the_wire(prompt: list[int], sampled: list[int]) -> None:
    arrays = arrays_of(prompt, sampled)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(arrays), type=TokenArrays)
    assert again == arrays
    assert again.digest() == arrays.digest()
    assert (again.prompt.tolist(), again.sampled.tolist()) == (prompt, sampled)
    assert (again.prompt.dtype, again.logprobs.dtype) == (np.dtype("<i4"), np.dtype("<f4"))


@given(tokens=st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=20), split=st.integers(0, 20))
def test_the_digest_sees_where_the_prompt_ends(tokens: list[int], split: int) -> None:
    """The same ids cut elsewhere are another record, so lengths are part of the digest."""
    whole, cut = (
        TokenArrays(*parts, b"", "")
        for parts in (
            (np.array(tokens, "<i4").tobytes(), b""),
            (np.array(tokens[:split], "<i4").tobytes(), np.array(tokens[split:], "<i4").tobytes()),
        )
    )
    assert (whole.digest() == cut.digest()) == (whole == cut)


def test_the_digest_sees_the_input() -> None:
    arrays = arrays_of([1], [2])
    assert msgspec.structs.replace(arrays, input_digest="x").digest() != arrays.digest()
    assert ids_digest(np.array([1, 2], np.int32)) != ids_digest(np.array([2, 1], np.int32))


def test_an_attempts_digest_is_of_all_calls_in_their_order() -> None:
    calls = [header(0, "a"), header(1, "b")]
    assert records_digest(calls) == records_digest(calls[::-1])
    assert records_digest(calls) != records_digest([header(0, "b"), header(1, "a")])


def test_versions_are_those_of_sampled_tokens() -> None:
    spans = (VersionSpan(3, 0, 2), VersionSpan(4, 2, 5), VersionSpan(9, 5, 5))
    assert (header(0, "", spans).oldest_version, header(0, "", spans).newest_version) == (3, 4)
    assert header(0, "").oldest_version is None


def test_a_group_is_checked() -> None:
    rollout = SealedRollout("r", 1, 1.0, {"tests": 1.0}, "completed", 2, 4, 5, 1, "d")
    group = SealedGroup("g", "terminal", "train", 0, 1.0, (rollout,))
    assert group.checked() is group
    assert group.oldest_version == 2
    spoilt = [
        ((), "no rollouts"),
        ((msgspec.structs.replace(rollout, components={"tests": float("nan")}),), "non-finite"),
        ((msgspec.structs.replace(rollout, repeats=0),), "repeats 0"),
    ]
    for rollouts, complaint in spoilt:
        with pytest.raises(ValueError, match=complaint):
            msgspec.structs.replace(group, rollouts=rollouts).checked()
