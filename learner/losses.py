"""Policy losses of single tokens, as pure functions of log-probs and advantages.

Every argument and result is [tokens], over sampled tokens only. Each loss tells which tokens carried a
gradient. The step takes the mean over all trained tokens (the GLM-5 report states a token-level mean
only for its slides; for the reasoning loss it prints a mean per sequence).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Band:
    """The ratios that a loss trusts: from 1 - epsilon_low to 1 + epsilon_high."""

    epsilon_low: float
    epsilon_high: float

    @property
    def low(self) -> float:
        return 1 - self.epsilon_low

    @property
    def high(self) -> float:
        return 1 + self.epsilon_high


@dataclass(frozen=True)
class TokenLoss:
    """`values` carry the gradient; `inside` is False where the loss let nothing through."""

    values: Tensor
    inside: Tensor


Loss = Callable[[Tensor, Tensor, Tensor], TokenLoss]
"""(trainer_logprobs, rollout_logprobs, advantages) -> TokenLoss"""


def direct(
    trainer_logprobs: Tensor,
    rollout_logprobs: Tensor,
    advantages: Tensor,
    *,
    band: Band,
) -> TokenLoss:
    """Direct double-sided importance sampling (GLM-5, equations 3 to 5).

    The loss is -sg[f(r)] A log pi with r = pi_trainer / pi_rollout, and f(r) = r inside the open band,
    else 0. The report prints no stop-gradient; without it the gradient would not be that of r A.
    """
    ratio = torch.exp(trainer_logprobs - rollout_logprobs).detach()
    inside = (ratio > band.low) & (ratio < band.high)
    kept = torch.where(inside, ratio, 0.0)
    return TokenLoss(-kept * advantages * trainer_logprobs, inside)


def grpo_icepop(
    trainer_logprobs: Tensor,
    rollout_logprobs: Tensor,
    advantages: Tensor,
    *,
    band: Band,
    beta: float,
    proximal_logprobs: Tensor | None = None,
) -> TokenLoss:
    """GRPO with IcePop (GLM-5, equation 1): -pop(rho) min(r A, clip(r) A).

    rho = pi_proximal / pi_rollout is dropped outside [1 / beta, beta]; r = pi_trainer / pi_proximal.
    Without `proximal_logprobs` the step is the first on its batch, and the policy its own proximal one.
    """
    proximal = trainer_logprobs.detach() if proximal_logprobs is None else proximal_logprobs
    rho = torch.exp(proximal - rollout_logprobs)
    popped = torch.where((rho >= 1 / beta) & (rho <= beta), rho, 0.0)
    surrogate = ppo_clip(trainer_logprobs, proximal, advantages, band=band)
    return TokenLoss(popped * surrogate.values, (popped > 0) & surrogate.inside)


def ppo_clip(
    trainer_logprobs: Tensor,
    rollout_logprobs: Tensor,
    advantages: Tensor,
    *,
    band: Band,
) -> TokenLoss:
    """PPO's clipped surrogate, -min(r A, clip(r) A)."""
    ratio = torch.exp(trainer_logprobs - rollout_logprobs)
    clipped = ratio.clamp(band.low, band.high)
    inside = ratio * advantages <= clipped * advantages
    return TokenLoss(-torch.minimum(ratio * advantages, clipped * advantages), inside)


def distillation_advantages(trainer_logprobs: Tensor, teacher_logprobs: Tensor) -> Tensor:
    """On-policy distillation (GLM-5, equation 2): sg[log(pi_teacher / pi_trainer)] instead of a reward."""
    return (teacher_logprobs - trainer_logprobs).detach()


def entropy(logprobs: Tensor) -> Tensor:
    """Entropy in nats, [tokens], of log-distributions [tokens, vocabulary]."""
    return -(logprobs.exp() * logprobs).sum(-1)
