"""From logits to one token a row: penalties, temperature, truncation, a uniform number each.

A token is the inverse of the distribution's cumulative sum at a uniform number. With a seed that
number depends on the seed and the token's index alone, so neither neighbours in the batch nor a
retraction change what a seeded request samples. Log-probs are of the full vocabulary after the
temperature, before truncation, as SGLang reports them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_WORD = (1 << 64) - 1


@dataclass(frozen=True)
class SamplingRule:
    """How one request samples; `top_k` 0 is the whole vocabulary, `temperature` 0 is greedy."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    repetition_penalty: float = 1.0
    logit_bias: dict[int, float] = field(default_factory=dict)
    seed: int | None = None

    @cached_property
    def truncates(self) -> bool:
        return self.temperature > 0 and (self.top_p < 1 or self.top_k > 0 or self.min_p > 0)

    @cached_property
    def reshapes(self) -> bool:
        """Whether logits change by more than the temperature."""
        penalised = self.frequency_penalty or self.presence_penalty or self.repetition_penalty != 1
        return bool(penalised or self.logit_bias)


@dataclass(frozen=True)
class Row:
    """What sampling needs of one sequence: its rule, its output so far, and ids it must not end on yet."""

    rule: SamplingRule
    output: Sequence[int]
    forbidden: frozenset[int]


class Sampler:
    """Draws one token for each row of logits."""

    def __init__(self, seed: int | None) -> None:
        self._random = np.random.default_rng(seed)

    def sample(self, logits: Tensor, rows: Sequence[Row]) -> tuple[list[int], list[float]]:
        """Token ids and their log-probs for logits (rows, vocabulary), which may be overwritten."""
        for index, row in enumerate(rows):
            if row.rule.reshapes or row.forbidden:
                _reshape(logits[index], row)
        temperatures = [row.rule.temperature or 1.0 for row in rows]
        if any(temperature != 1.0 for temperature in temperatures):
            logits /= torch.tensor(temperatures)[:, None]
        probabilities = torch.softmax(logits, -1)
        ids = self._draw(logits, probabilities, rows)
        return ids.tolist(), probabilities.gather(1, ids[:, None])[:, 0].log().tolist()

    def _draw(self, logits: Tensor, probabilities: Tensor, rows: Sequence[Row]) -> Tensor:
        greedy = [row.rule.temperature == 0 for row in rows]
        if all(greedy):
            return logits.argmax(-1)
        uniforms = torch.from_numpy(self._uniforms(rows))
        ids = _invert(probabilities, uniforms)
        for index, row in enumerate(rows):
            if row.rule.truncates:
                ids[index] = _truncated(probabilities[index], row.rule, uniforms[index])
        if any(greedy):
            ids = torch.where(torch.tensor(greedy), logits.argmax(-1), ids)
        return ids

    def _uniforms(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        uniforms = self._random.random(len(rows))
        for index, row in enumerate(rows):
            if row.rule.seed is not None:
                uniforms[index] = uniform_of(row.rule.seed, len(row.output))
        return uniforms


def uniform_of(seed: int, index: int) -> float:
    """A number in [0, 1) from a seed and a token's index (SplitMix64)."""
    state = (seed * 0xD1342543DE82EF95 + (index + 1) * 0x9E3779B97F4A7C15) & _WORD
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        state = ((state ^ (state >> shift)) * factor) & _WORD
    return (state >> 11) / (1 << 53)


def _invert(weights: Tensor, uniforms: Tensor) -> Tensor:
    """Index per row where the cumulative sum of weights (rows, n) passes the uniform share of it."""
    cumulative = weights.cumsum(-1, dtype=torch.float64)
    targets = uniforms[:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, targets, right=True)[:, 0].clamp_(max=weights.shape[1] - 1)


def _truncated(probabilities: Tensor, rule: SamplingRule, uniform: Tensor) -> Tensor:
    """A token of the most likely ones: the first `top_k`, within `top_p`, at least `min_p` of the top."""
    ordered, order = probabilities.sort(descending=True)
    kept = ordered.cumsum(-1) - ordered <= rule.top_p
    kept &= ordered >= ordered[0] * rule.min_p
    if rule.top_k:
        kept[rule.top_k :] = False
    return order[_invert((ordered * kept)[None], uniform[None])[0]]


def _reshape(logits: Tensor, row: Row) -> None:
    """Apply bias, penalties of the output so far and forbidden ends to one row, in place."""
    rule = row.rule
    if row.output and rule.reshapes:
        counts = Counter(row.output)
        seen = torch.tensor(list(counts))
        values = logits[seen]
        values = values - rule.presence_penalty - rule.frequency_penalty * torch.tensor(list(counts.values()))
        factor = rule.repetition_penalty
        logits[seen] = torch.where(values < 0, values * factor, values / factor)
    for token, bias in rule.logit_bias.items():
        logits[token] += bias
    if row.forbidden:
        logits[list(row.forbidden)] = -torch.inf
