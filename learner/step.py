"""One optimizer update on packed samples, read top to bottom."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import Literal

import torch
from torch import Tensor

from learner.losses import Band, Loss, TokenLoss, direct, distillation_advantages, grpo_icepop, ppo_clip
from learner.metrics import UpdateMetrics
from learner.packing import MicroBatch, packing_efficiency
from learner.policy import Policy, TokenScores

LossName = Literal["direct", "grpo_icepop", "ppo_clip", "distillation"]


class Abandoned(Exception):
    """The update was given up before it changed anything."""


@dataclass(frozen=True)
class Objective:
    """Which loss is minimised. With a teacher, its log-probs replace the advantages of the rewards."""

    loss: Loss
    teacher: Policy | None = None

    @classmethod
    def of(cls, name: LossName, band: Band, beta: float, teacher: Policy | None) -> "Objective":
        losses: dict[LossName, Loss] = {
            "direct": partial(direct, band=band),
            "ppo_clip": partial(ppo_clip, band=band),
            "grpo_icepop": partial(grpo_icepop, band=band, beta=beta),
            "distillation": partial(grpo_icepop, band=band, beta=beta),
        }
        return cls(losses[name], teacher)

    def of_tokens(self, batch: MicroBatch, scores: TokenScores) -> TokenLoss:
        """Loss of each trained token of a micro-batch."""
        mask = batch.loss_mask
        advantages = torch.from_numpy(batch.advantages[mask])
        if self.teacher is not None:
            with torch.no_grad():
                advantages = distillation_advantages(scores.logprobs, self.teacher.score(batch).logprobs)
        return self.loss(scores.logprobs, torch.from_numpy(batch.rollout_logprobs[mask]), advantages)


@dataclass
class Tally:
    """Per-token numbers of an update's micro-batches, kept for its metrics; each tensor is [tokens]."""

    losses: list[Tensor] = field(default_factory=list)
    inside: list[Tensor] = field(default_factory=list)
    entropies: list[Tensor] = field(default_factory=list)
    gaps: list[Tensor] = field(default_factory=list)

    def add(self, batch: MicroBatch, scores: TokenScores, loss: TokenLoss, weights: Tensor) -> None:
        self.losses.append((loss.values * weights).detach())
        self.inside.append(loss.inside)
        self.entropies.append(scores.entropy)
        self.gaps.append(scores.logprobs.detach() - torch.from_numpy(batch.rollout_logprobs[batch.loss_mask]))

    def metrics(
        self, batches: Sequence[MicroBatch], total_weight: float, grad_norm: float, *, updated: bool
    ) -> UpdateMetrics:
        gaps, inside = torch.cat(self.gaps), torch.cat(self.inside)
        low, median, high = _quantiles(gaps.exp())
        return UpdateMetrics(
            loss=float(torch.cat(self.losses).sum()) / total_weight,
            entropy=float(torch.cat(self.entropies).mean()),
            ratio_p05=low,
            ratio_p50=median,
            ratio_p95=high,
            ratio_max=float(gaps.exp().max()),
            logprob_gap_max=float(gaps.abs().max()),
            masked_fraction=1.0 - float(inside.float().mean()),
            grad_norm=grad_norm,
            updates_skipped=float(not updated),
            packing_efficiency=packing_efficiency(batches),
            micro_batches=float(len(batches)),
            tokens=float(sum(batch.tokens for batch in batches)),
            sampled_tokens=float(len(gaps)),
        )


def update(
    policy: Policy,
    optimizer: torch.optim.Optimizer,
    objective: Objective,
    batches: Sequence[MicroBatch],
    clip_norm: float,
    stop: Event,
) -> UpdateMetrics:
    """One AdamW update on the weighted mean loss of all trained tokens.

    Raises Abandoned, with nothing changed, once `stop` is set.
    """
    total_weight = float(sum(batch.weights[batch.loss_mask].sum() for batch in batches))
    tally = Tally()
    optimizer.zero_grad(set_to_none=True)
    for batch in batches:
        if stop.is_set():
            raise Abandoned
        scores = policy.score(batch)
        loss = objective.of_tokens(batch, scores)
        weights = torch.from_numpy(batch.weights[batch.loss_mask])
        torch.autograd.backward(torch.sum(loss.values * weights) / total_weight)
        tally.add(batch, scores, loss, weights)
    grad_norm = float(torch.nn.utils.clip_grad_norm_(policy.model.parameters(), clip_norm))
    finite = grad_norm < float("inf")
    if finite:
        optimizer.step()
    return tally.metrics(batches, total_weight, grad_norm if finite else 0.0, updated=finite)


def _quantiles(values: Tensor) -> tuple[float, float, float]:
    """5 %, 50 % and 95 %, each the nearest value below (torch.quantile refuses long inputs)."""
    ordered = values.sort().values
    low, median, high = (float(ordered[int(q * (len(ordered) - 1))]) for q in (0.05, 0.5, 0.95))
    return low, median, high
