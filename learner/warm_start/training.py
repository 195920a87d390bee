"""Supervised training of the tiny policy: first to copy at all, then on demonstrations."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import structlog
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.optim import AdamW
from transformers import Qwen3ForCausalLM

from learner.warm_start.batches import Batch

log = structlog.get_logger()


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a stage trains: linear warm-up, then a cosine down to nothing."""

    steps: int
    learning_rate: float
    warm_up: int = 100

    def at(self, step: int) -> float:
        rise = min(1.0, (step + 1) / self.warm_up)
        fall = 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return self.learning_rate * rise * fall


def train(model: Qwen3ForCausalLM, batches: Iterator[Batch], schedule: Schedule, stage: str) -> None:
    """Many small steps rather than few large ones: copying is a circuit that forms late, then suddenly."""
    optimizer = AdamW(model.parameters(), betas=(0.9, 0.95), weight_decay=0.01)
    mean = math.nan
    for step, batch in enumerate(islice(batches, schedule.steps)):
        for group in optimizer.param_groups:
            group["lr"] = schedule.at(step)
        loss = next_token_loss(model, batch)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        mean = loss.item() if math.isnan(mean) else 0.99 * mean + 0.01 * loss.item()
        if (step + 1) % 200 == 0:
            log.info("trained", stage=stage, step=step + 1, loss=round(mean, 4))


def next_token_loss(model: Qwen3ForCausalLM, batch: Batch) -> Tensor:
    """Mean cross entropy of the trained ids; logits are computed for those alone."""
    hidden = model.model(input_ids=batch.ids).last_hidden_state[:, :-1]  # [batch, length - 1, width]
    trained = batch.trained[:, 1:]
    return cross_entropy(model.lm_head(hidden[trained]), batch.ids[:, 1:][trained])
