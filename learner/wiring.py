"""A learner, or a rank that follows one, as the settings say."""

import os

import torch

from learner.batch import Rules
from learner.checkpoint import Checkpoints
from learner.losses import Band
from learner.metrics import LearnerMetrics
from learner.policy import Policy
from learner.ranks import Ranks
from learner.reports import Reporter
from learner.settings import Device, LearnerSettings
from learner.step import Descent, Objective
from learner.train import Learner, Schedule, Transports
from learner.weights import WeightFolder
from services.kit.crash import CrashPoints
from services.kit.failure import Refused


def build(
    settings: LearnerSettings,
    transports: Transports,
    reporter: Reporter,
    metrics: LearnerMetrics,
    ranks: Ranks | None = None,
) -> Learner:
    """A learner of these settings, which leads `ranks`."""
    crash = CrashPoints(settings.crash_at)
    return Learner(
        descent_of(settings, ranks or Ranks()),
        Rules(settings.max_staleness, settings.normalise_std, settings.teacher is not None),
        Schedule(
            groups_per_step=settings.groups_per_step,
            steps_per_version=settings.steps_per_version,
            max_steps=settings.max_steps,
            token_budget=settings.token_budget,
            reset_optimizer=settings.reset_optimizer,
            keep_records=settings.keep_records,
        ),
        transports,
        Checkpoints(settings.checkpoint_dir, crash),
        WeightFolder(settings.weights_dir, settings.keep_versions, crash),
        reporter,
        metrics,
        crash,
    )


def descent_of(settings: LearnerSettings, ranks: Ranks) -> Descent:
    """What this rank trains. The policy is made here and nowhere else."""
    device = device_of(settings.device)
    policy = Policy.load(settings.policy, device)
    teacher = Policy.load(settings.teacher, device) if settings.teacher else None
    optimizer = torch.optim.AdamW(
        policy.model.parameters(),
        lr=settings.learning_rate,
        betas=settings.betas,
        weight_decay=settings.weight_decay,
    )
    band = Band(settings.epsilon_low, settings.epsilon_high)
    objective = Objective.of(settings.loss, band, settings.beta, teacher)
    return Descent(policy, optimizer, objective, settings.clip_norm, ranks)


def device_of(name: Device) -> torch.device:
    """Where this rank computes. Errors: Refused on a machine without it."""
    if name == "cuda" and not torch.cuda.is_available():
        raise Refused(
            "this machine has no CUDA device", field="PODIUM_LEARNER_DEVICE", value=name, remedy="use cpu"
        )
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    return torch.device(name, local_rank) if name == "cuda" else torch.device(name)
