"""Processes that train as one under `torchrun`: rank 0 leads, the others hold replicas and follow.

Every rank has the whole policy. Micro-batches are dealt out, gradients are summed, and each rank takes the
same optimizer step, so all replicas stay equal, bit by bit. Only the leader knows Redis, the orchestrator
and the disk; what a follower knows, it was told in an `Order`.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from learner.packing import MicroBatch

Thing = TypeVar("Thing")

_PATIENCE = timedelta(days=30)  # between two steps; torchrun ends the others when one rank dies


@dataclass(frozen=True)
class Update:
    """One optimizer update, whose trained tokens weigh `total_weight` over all ranks."""

    total_weight: float


@dataclass(frozen=True)
class Restore:
    """Take on the leader's parameters and its optimizer's state."""

    parameters: dict[str, Tensor]
    optimizer: dict[str, Any]


@dataclass(frozen=True)
class Forget:
    """Reset the optimizer: new weights are out."""


@dataclass(frozen=True)
class End:
    """Training is over."""


Order = Update | Restore | Forget | End


class Ranks:
    """This process among those of its job. Alone (`size` 1) every method does nothing, at no cost."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank = rank
        self.size = size

    @classmethod
    def join(cls) -> "Ranks":
        """The job that torchrun's variables tell of (RANK, WORLD_SIZE, ...), or this process alone."""
        if "RANK" not in os.environ:
            return cls()
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        dist.init_process_group(backend, timeout=_PATIENCE)
        return cls(dist.get_rank(), dist.get_world_size())

    def leave(self) -> None:
        if self.size > 1:
            dist.destroy_process_group()

    def order(self, order: Order) -> None:
        """Leader: what all do next."""
        if self.size > 1:
            dist.broadcast_object_list([order])

    def next_order(self) -> Order:
        """Follower: waits for it."""
        box: list[Any] = [None]
        dist.broadcast_object_list(box)
        order: Order = box[0]
        return order

    def deal(self, batches: Sequence[MicroBatch]) -> Sequence[MicroBatch]:
        """This rank's part of the leader's micro-batches; a follower gives none."""
        if self.size == 1:
            return batches
        hands = [list(batches[rank :: self.size]) for rank in range(self.size)] if self.rank == 0 else None
        box: list[Any] = [None]
        dist.scatter_object_list(box, hands)
        mine: list[MicroBatch] = box[0]
        return mine

    def sum_gradients(self, model: torch.nn.Module) -> None:
        """Every rank's gradients become the sum of all."""
        if self.size == 1:
            return
        for parameter in model.parameters():
            if parameter.requires_grad:
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
                dist.all_reduce(parameter.grad)

    def gather(self, thing: Thing) -> list[Thing]:
        """Leader: what each rank has, by rank. A follower gets nothing."""
        if self.size == 1:
            return [thing]
        box: list[Any] | None = [None] * self.size if self.rank == 0 else None
        dist.gather_object(thing, box)
        return box or []
