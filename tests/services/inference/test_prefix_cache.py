"""The prefix cache gives back exactly the longest prefix that was put in, and no more than it may hold."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from services.inference.cpu.prefix_cache import PrefixCache

EMPTY = torch.empty(1, 2, 1, 0, 1)
TOKENS = st.lists(st.integers(0, 2), min_size=1, max_size=12)
KEYS = st.sampled_from([None, "v1"])


def kv_of(key: str | None, ids: list[int]) -> Tensor:
    """Values that differ wherever a prefix does."""
    prefixes = [hash((key, *ids[: end + 1])) % 1_000_003 for end in range(len(ids))]
    return torch.tensor(prefixes, dtype=torch.float32).expand(1, 2, 1, -1)[..., None].clone()


def remember(cache: PrefixCache, key: str | None, ids: list[int]) -> None:
    known = cache.known(key, ids)
    cache.insert(key, ids, known, kv_of(key, ids)[:, :, :, known:])


@given(st.lists(st.tuples(KEYS, TOKENS), max_size=12), KEYS, TOKENS)
def test_a_match_is_the_longest_prefix_and_its_own_values(
    stored: list[tuple[str | None, list[int]]], key: str | None, ids: list[int]
) -> None:
    cache = PrefixCache(EMPTY)
    for other_key, other in stored:
        remember(cache, other_key, other)
    same_key = [other for other_key, other in stored if other_key == key]
    longest = max((shared(other, ids) for other in same_key), default=0)
    segments = cache.match(key, ids)
    assert cache.known(key, ids) == longest
    if longest:
        assert torch.equal(torch.cat(segments, 3), kv_of(key, ids)[:, :, :, :longest])
    prefixes = {(k, *other[: end + 1]) for k, other in stored for end in range(len(other))}
    assert cache.tokens == len(prefixes)


@given(st.lists(st.tuples(KEYS, TOKENS), max_size=12), st.integers(0, 30))
@settings(max_examples=50)
def test_it_holds_no_more_than_its_limit_and_forgets_the_oldest_first(
    stored: list[tuple[str | None, list[int]]], limit: int
) -> None:
    cache = PrefixCache(EMPTY)
    for key, ids in stored:
        remember(cache, key, ids)
        cache.shrink(limit)
        assert 0 <= cache.tokens <= limit
        assert cache.known(key, ids) <= limit
    cache.clear()
    assert cache.tokens == 0
    assert not any(cache.known(key, ids) for key, ids in stored)


def test_what_was_used_last_stays() -> None:
    cache = PrefixCache(EMPTY)
    for first in (1, 2, 3):
        remember(cache, None, [first] * 4)
    cache.match(None, [1] * 4)
    cache.shrink(8)
    assert [cache.known(None, [first] * 4) for first in (1, 2, 3)] == [4, 0, 4]


def shared(one: list[int], other: list[int]) -> int:
    return next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
