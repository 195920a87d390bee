"""Losses against values computed by hand."""

from math import exp, log

import pytest
import torch
from torch import Tensor

from learner.losses import Band, TokenLoss, direct, distillation_advantages, entropy, grpo_icepop, ppo_clip

BAND = Band(epsilon_low=0.5, epsilon_high=1.0)


def of(loss: TokenLoss, trainer: Tensor) -> list[float]:
    """Gradient of the summed loss with respect to each log-prob."""
    (gradient,) = torch.autograd.grad(loss.values.sum(), trainer)
    return [float(value) for value in gradient]


def ratios(*values: float) -> tuple[Tensor, Tensor]:
    """Trainer and rollout log-probs whose ratios are `values`."""
    rollout = torch.full((len(values),), -1.0, dtype=torch.float64)
    trainer = (rollout + torch.tensor(values, dtype=torch.float64).log()).requires_grad_()
    return trainer, rollout


def test_direct_weighs_by_the_ratio_and_masks_outside_the_band() -> None:
    trainer, rollout = ratios(1.0, 1.5, 0.4, 2.5)
    loss = direct(trainer, rollout, torch.tensor([2.0, -1.0, 1.0, 1.0]), band=BAND)
    assert loss.values.tolist() == pytest.approx([2.0, 1.5 * (-1 + log(1.5)), 0.0, 0.0])
    assert of(loss, trainer) == pytest.approx([-2.0, 1.5, 0.0, 0.0]), (
        "the ratio carries no gradient of its own"
    )
    assert loss.inside.tolist() == [True, True, False, False]


def test_direct_masks_whatever_the_sign_of_the_advantage() -> None:
    trainer, rollout = ratios(0.4, 0.4, 2.5, 2.5)
    loss = direct(trainer, rollout, torch.tensor([1.0, -1.0, 1.0, -1.0]), band=BAND)
    assert of(loss, trainer) == [0.0, 0.0, 0.0, 0.0]


def test_the_band_is_open() -> None:
    edge = torch.tensor([0.0, 0.0], requires_grad=True)
    band = Band(epsilon_low=0.0, epsilon_high=1.0)
    assert direct(edge, torch.zeros(2), torch.ones(2), band=band).inside.tolist() == [False, False]
    band = Band(epsilon_low=0.5, epsilon_high=0.0)
    assert direct(edge, torch.zeros(2), torch.ones(2), band=band).inside.tolist() == [False, False]


def test_ppo_clips_only_what_goes_too_far() -> None:
    trainer, rollout = ratios(1.2, 3.0, 3.0, 0.2, 0.2)
    loss = ppo_clip(trainer, rollout, torch.tensor([1.0, 1.0, -1.0, 1.0, -1.0]), band=BAND)
    assert loss.values.tolist() == pytest.approx([-1.2, -2.0, 3.0, -0.2, 0.5])
    assert of(loss, trainer) == pytest.approx([-1.2, 0.0, 3.0, -0.2, 0.0])
    assert loss.inside.tolist() == [True, False, True, True, False]


def test_icepop_drops_tokens_whose_engines_disagree() -> None:
    trainer, rollout = ratios(1.0, 1.8, 2.2, 0.4)
    loss = grpo_icepop(trainer, rollout, torch.tensor([1.0, 1.0, 1.0, 1.0]), band=BAND, beta=2.0)
    assert loss.values.tolist() == pytest.approx([-1.0, -1.8, 0.0, 0.0])
    assert of(loss, trainer) == pytest.approx([-1.0, -1.8, 0.0, 0.0])
    assert loss.inside.tolist() == [True, True, False, False]


def test_icepop_clips_against_the_proximal_policy() -> None:
    trainer, proximal = ratios(3.0, 1.1)
    rollout = proximal - log(1.5)
    loss = grpo_icepop(
        trainer, rollout, torch.ones(2), band=BAND, beta=2.0, proximal_logprobs=proximal.detach()
    )
    assert loss.values.tolist() == pytest.approx([-1.5 * 2.0, -1.5 * 1.1])
    assert of(loss, trainer) == pytest.approx([0.0, -1.65])


def test_distillation_pulls_towards_the_teacher() -> None:
    trainer = torch.tensor([-1.0, -2.0], requires_grad=True)
    advantages = distillation_advantages(trainer, torch.tensor([-0.5, -3.0]))
    assert advantages.tolist() == [0.5, -1.0]
    assert not advantages.requires_grad


def test_entropy_of_a_coin() -> None:
    halves = torch.log(torch.tensor([[0.5, 0.5], [exp(-1), 1 - exp(-1)]]))
    assert entropy(halves).tolist() == pytest.approx([log(2), 0.6578], abs=1e-4)
