"""Samples are packed into micro-batches: rows of several samples that cannot see each other.

A micro-batch is as long as its longest sample and has as many rows as the token budget allows; shorter
samples fill the rows, first fit, longest first. Attention costs grow with the square of a row, so rows
are no longer than they must be. A sample longer than the budget gets a micro-batch of its own: to leave
it out would bend the distribution of lengths.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learner.advantages import ScoredSample
from learner.samples import Floats, Mask, Sample

PADDING = -1

Longs = NDArray[np.int64]
Row = list[ScoredSample]


@dataclass(frozen=True)
class MicroBatch:
    """Rows of packed samples; all arrays are [rows, length].

    `sample_index` tells the samples of a row apart and is -1 on padding; `position_ids` restart with
    each sample. Token t is trained where `loss_mask` holds, predicted from token t - 1.
    """

    token_ids: Longs
    position_ids: Longs
    sample_index: Longs
    loss_mask: Mask
    rollout_logprobs: Floats
    temperatures: Floats
    advantages: Floats
    weights: Floats

    @property
    def tokens(self) -> int:
        return int((self.sample_index != PADDING).sum())

    @property
    def cells(self) -> int:
        """Tokens and padding."""
        return self.token_ids.size

    def attention(self) -> Mask:
        """Who sees whom, [rows, 1, length, length]: earlier tokens of the same sample."""
        same = self.sample_index[:, :, None] == self.sample_index[:, None, :]
        return np.asarray(np.tril(same)[:, None])


def pack(samples: Sequence[ScoredSample], token_budget: int) -> list[MicroBatch]:
    """Micro-batches that hold each sample once; the same samples in the same order pack the same way."""
    waiting = sorted(samples, key=lambda scored: -len(scored.sample))
    batches = []
    while waiting:
        rows, waiting = _fill(waiting, token_budget)
        batches.append(_micro_batch(rows))
    return batches


def packing_efficiency(batches: Sequence[MicroBatch]) -> float:
    """Share of the computed cells that are tokens."""
    return sum(batch.tokens for batch in batches) / sum(batch.cells for batch in batches)


def _fill(waiting: Sequence[ScoredSample], token_budget: int) -> tuple[list[Row], list[ScoredSample]]:
    """Rows of one micro-batch, and what did not fit. `waiting` comes longest first."""
    length = len(waiting[0].sample)
    rows: list[Row] = [[] for _ in range(max(1, token_budget // length))]
    space = [length] * len(rows)
    rest = []
    for scored in waiting:
        row = next((index for index, free in enumerate(space) if len(scored.sample) <= free), None)
        if row is None:
            rest.append(scored)
        else:
            rows[row].append(scored)
            space[row] -= len(scored.sample)
    return [row for row in rows if row], rest


def _micro_batch(rows: Sequence[Row]) -> MicroBatch:
    length = max(sum(len(scored.sample) for scored in row) for row in rows)

    def grid(values: Callable[[Sample], Any], padding: float, kind: type[np.generic]) -> NDArray[Any]:
        cells = np.full((len(rows), length), padding, kind)
        for row, packed in zip(cells, rows, strict=True):
            joined = np.concatenate([values(scored.sample) for scored in packed])
            row[: len(joined)] = joined
        return cells

    def spread(values: Callable[[int, ScoredSample], float], padding: float) -> NDArray[Any]:
        """One value for all tokens of a sample."""
        cells = np.full((len(rows), length), padding, np.float32)
        for row, packed in zip(cells, rows, strict=True):
            each = [values(index, scored) for index, scored in enumerate(packed)]
            repeated = np.repeat(each, [len(scored.sample) for scored in packed])
            row[: len(repeated)] = repeated
        return cells

    return MicroBatch(
        token_ids=grid(lambda sample: sample.token_ids, 0, np.int64),
        position_ids=grid(lambda sample: np.arange(len(sample)), 0, np.int64),
        sample_index=spread(lambda index, _: index, PADDING).astype(np.int64),
        loss_mask=grid(lambda sample: sample.loss_mask, False, np.bool_),
        rollout_logprobs=grid(lambda sample: sample.rollout_logprobs, 0.0, np.float32),
        temperatures=grid(lambda sample: sample.temperatures, 1.0, np.float32),
        advantages=spread(lambda _, scored: scored.advantage, 0.0),
        weights=spread(lambda _, scored: scored.weight, 0.0),
    )
