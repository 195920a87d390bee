"""What supervised training sees: padded batches of demonstrations, and of a copying exercise before them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor

from learner.warm_start.demonstrations import Tokens
from learner.warm_start.tokenizer import END_OF_TEXT

CHUNK = 32  # batches that are sorted by length together, so that little is padding


@dataclass(frozen=True)
class Batch:
    """`ids` [batch, length]; `trained` marks the ids whose prediction counts."""

    ids: Tensor
    trained: Tensor


def demonstration_batches(demonstrations: Sequence[Tokens], size: int, random: Random) -> Iterator[Batch]:
    """Endless epochs in ever new orders."""
    while True:
        order = random.sample(demonstrations, len(demonstrations))
        for start in range(0, len(order), size * CHUNK):
            chunk = sorted(order[start : start + size * CHUNK], key=lambda tokens: len(tokens.ids))
            batches = [chunk[at : at + size] for at in range(0, len(chunk), size)]
            yield from map(_pad, random.sample(batches, len(batches)))


def copying_batches(vocabulary: Sequence[int], length: int, size: int, random: Random) -> Iterator[Batch]:
    """Random tokens repeated with a period: from the second time on they can be copied."""
    while True:
        yield _pad([_repetition(vocabulary, length, random) for _ in range(size)])


def _repetition(vocabulary: Sequence[int], length: int, random: Random) -> Tokens:
    period = random.randint(3, 8)
    pattern = random.sample(vocabulary, period)
    ids = (pattern * (length // period + 1))[:length]
    return Tokens(ids, [position > period for position in range(length)])


def _pad(rows: Sequence[Tokens]) -> Batch:
    length = max(len(row.ids) for row in rows)
    ids = [row.ids + [END_OF_TEXT] * (length - len(row.ids)) for row in rows]
    trained = [row.sampled + [False] * (length - len(row.sampled)) for row in rows]
    return Batch(torch.tensor(ids), torch.tensor(trained))
