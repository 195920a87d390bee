"""Keys and values of everything that is running: one slot a request, slots side by side.

The slots in use are always the first ones, so a decode step reads them as one strided view.
"""

import torch
from torch import Tensor

from services.inference.cpu.config import ModelConfig


class KvSlots:
    """`data` is (layers, 2, slots, kv_heads, capacity, head_dim); the second axis is keys, values."""

    def __init__(self, config: ModelConfig, slots: int, capacity: int = 256) -> None:
        self._limit = config.context_length
        capacity = min(capacity, self._limit)
        # Zeros, not whatever memory holds: masked positions are multiplied by 0, and 0 * NaN is NaN.
        self.data = torch.zeros(config.layers, 2, slots, config.kv_heads, capacity, config.head_dim)

    @property
    def capacity(self) -> int:
        return self.data.shape[4]

    def reserve(self, length: int) -> None:
        """Make every slot at least `length` tokens long."""
        if length <= self.capacity:
            return
        capacity = min(max(length, 2 * self.capacity), self._limit)
        grown = self.data.new_zeros(*self.data.shape[:4], capacity, self.data.shape[5])
        grown[:, :, :, :, : self.capacity] = self.data
        self.data = grown

    def load(self, slot: int, start: int, segment: Tensor) -> None:
        """Put a segment (layers, 2, kv_heads, tokens, head_dim) at position `start` of a slot."""
        self.data[:, :, slot, :, start : start + segment.shape[3]] = segment

    def copy_out(self, slot: int, start: int, end: int) -> Tensor:
        """The segment of positions `start` to `end` (exclusive), in memory of its own."""
        return self.data[:, :, slot, :, start:end].clone()

    def move(self, source: int, target: int, length: int) -> None:
        self.data[:, :, target, :, :length] = self.data[:, :, source, :, :length]

    def view(self, layer: int, which: int, slots: int, length: int) -> Tensor:
        """(slots * kv_heads, length, head_dim) of the first `slots` slots, without a copy."""
        kv_heads, capacity, head_dim = self.data.shape[3:]
        flat = self.data[layer, which, :slots].view(slots * kv_heads, capacity, head_dim)
        return flat[:, :length]


def empty_segment(config: ModelConfig) -> Tensor:
    return torch.empty(config.layers, 2, config.kv_heads, 0, config.head_dim)
