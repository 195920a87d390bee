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
from learner.ranks import Ranks, Update

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

    def of_tokens(self, policy: Policy, batch: MicroBatch, scores: TokenScores) -> TokenLoss:
        """Loss of each trained token of a micro-batch that `policy` has scored."""
        mask = batch.loss_mask
        advantages = policy.tensor(batch.advantages[mask])
        if self.teacher is not None:
            with torch.no_grad():
                advantages = distillation_advantages(scores.logprobs, self.teacher.score(batch).logprobs)
        return self.loss(scores.logprobs, policy.tensor(batch.rollout_logprobs[mask]), advantages)


@dataclass
class Tally:
    """Per-token numbers of an update's micro-batches, kept for its metrics; each tensor is [tokens]."""

    losses: list[Tensor] = field(default_factory=list)
    inside: list[Tensor] = field(default_factory=list)
    entropies: list[Tensor] = field(default_factory=list)
    gaps: list[Tensor] = field(default_factory=list)

    def add(self, batch: MicroBatch, scores: TokenScores, loss: TokenLoss, weights: Tensor) -> None:
        rollout_logprobs = torch.from_numpy(batch.rollout_logprobs[batch.loss_mask])
        self.losses.append((loss.values * weights).detach().cpu())
        self.inside.append(loss.inside.cpu())
        self.entropies.append(scores.entropy.cpu())
        self.gaps.append(scores.logprobs.detach().cpu() - rollout_logprobs)

    @classmethod
    def of(cls, tallies: Sequence["Tally"]) -> "Tally":
        """All of several ranks' numbers."""
        return cls(
            losses=[values for tally in tallies for values in tally.losses],
            inside=[values for tally in tallies for values in tally.inside],
            entropies=[values for tally in tallies for values in tally.entropies],
            gaps=[values for tally in tallies for values in tally.gaps],
        )

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


@dataclass(frozen=True)
class Descent:
    """What an update changes and how, the same on every rank."""

    policy: Policy
    optimizer: torch.optim.Optimizer
    objective: Objective
    clip_norm: float
    ranks: Ranks

    def lead(self, batches: Sequence[MicroBatch], stop: Event) -> UpdateMetrics:
        """One AdamW update on the weighted mean loss of all trained tokens, by all ranks.

        Raises Abandoned, with nothing changed, once `stop` is set.
        """
        total_weight = float(sum(batch.weights[batch.loss_mask].sum() for batch in batches))
        self.ranks.order(Update(total_weight))
        tally, grad_norm = self.take_part(batches, total_weight, stop)
        updated = grad_norm < float("inf")
        return tally.metrics(batches, total_weight, grad_norm if updated else 0.0, updated=updated)

    def take_part(
        self, batches: Sequence[MicroBatch], total_weight: float, stop: Event
    ) -> tuple[Tally, float]:
        """This rank's part: its tally (the leader's is that of all ranks) and the norm of the gradient."""
        tally = Tally()
        self.optimizer.zero_grad(set_to_none=True)
        for batch in self.ranks.deal(batches):
            if stop.is_set():
                raise Abandoned
            scores = self.policy.score(batch)
            loss = self.objective.of_tokens(self.policy, batch, scores)
            weights = self.policy.tensor(batch.weights[batch.loss_mask])
            torch.autograd.backward(torch.sum(loss.values * weights) / total_weight)
            tally.add(batch, scores, loss, weights)
        self.ranks.sum_gradients(self.policy.model)
        total = Tally.of(self.ranks.gather(tally))
        grad_norm = float(torch.nn.utils.clip_grad_norm_(self.policy.model.parameters(), self.clip_norm))
        if grad_norm < float("inf"):
            self.optimizer.step()
        return total, grad_norm


def _quantiles(values: Tensor) -> tuple[float, float, float]:
    """5 %, 50 % and 95 %, each the nearest value below (torch.quantile refuses long inputs)."""
    ordered = values.sort().values
    low, median, high = (float(ordered[int(q * (len(ordered) - 1))]) for q in (0.05, 0.5, 0.95))
    return low, median, high
