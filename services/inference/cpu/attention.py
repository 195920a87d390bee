"""Attention over the KV slots: one query a slot (decode), or chunks of prompts (prefill)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from services.inference.cpu.kv_slots import KvSlots


class DecodeAttention:
    """Row i is the next token of slot i."""

    def __init__(self, slots: KvSlots, positions: Tensor) -> None:
        rows, longest = positions.shape[0], int(positions.max()) + 1
        self._slots, self._positions, self._rows, self._longest = (
            slots,
            positions,
            torch.arange(rows),
            longest,
        )
        beyond = torch.arange(longest) > positions[:, None]
        self._bias = torch.zeros(rows, 1, 1, longest).masked_fill_(beyond[:, None, None], -math.inf)

    def __call__(self, layer: int, q: Tensor, kv: Tensor) -> Tensor:
        """q (rows, heads, head_dim), kv (rows, 2, kv_heads, head_dim) -> (rows, heads * head_dim)."""
        rows, heads, head_dim = q.shape
        kv_heads = kv.shape[2]
        self._slots.data[layer][:, self._rows, :, self._positions] = kv
        keys = self._slots.view(layer, 0, rows, self._longest)
        values = self._slots.view(layer, 1, rows, self._longest)
        # Two batched products: quicker here than the fused kernel, which is made for many queries a head.
        queries = (q * head_dim**-0.5).reshape(rows * kv_heads, heads // kv_heads, head_dim)
        scores = torch.bmm(queries, keys.transpose(1, 2)).view(rows, kv_heads, -1, self._longest)
        shares = scores.add_(self._bias).softmax(-1).view(rows * kv_heads, -1, self._longest)
        return torch.bmm(shares, values).reshape(rows, heads * head_dim)


@dataclass(frozen=True)
class Chunk:
    """Tokens of one slot that are computed together; `start` tokens before them already are."""

    slot: int
    start: int
    ids: Sequence[int]

    @property
    def end(self) -> int:
        return self.start + len(self.ids)


class PrefillAttention:
    """Rows are the chunks' tokens, one chunk after the other."""

    def __init__(self, slots: KvSlots, chunks: Sequence[Chunk]) -> None:
        self._slots, self._chunks = slots, chunks
        self._masks = [_causal(chunk) for chunk in chunks]

    def __call__(self, layer: int, q: Tensor, kv: Tensor) -> Tensor:
        """q (rows, heads, head_dim), kv (rows, 2, kv_heads, head_dim) -> (rows, heads * head_dim)."""
        out = torch.empty_like(q)
        row = 0
        for chunk, mask in zip(self._chunks, self._masks, strict=True):
            rows = slice(row, row + len(chunk.ids))
            row = rows.stop
            cache = self._slots.data[layer, :, chunk.slot, :, : chunk.end]
            cache[:, :, chunk.start :] = kv[rows].permute(1, 2, 0, 3)
            out[rows] = scaled_dot_product_attention(
                q[rows].transpose(0, 1)[None],
                cache[0][None],
                cache[1][None],
                attn_mask=mask,
                is_causal=mask is None,
                enable_gqa=True,
            )[0].transpose(0, 1)
        return out.flatten(1)


def _causal(chunk: Chunk) -> Tensor | None:
    """Which positions each token of a chunk sees; None where that is the plain triangle."""
    if chunk.start == 0:
        return None
    return torch.arange(chunk.end) <= torch.arange(chunk.start, chunk.end)[:, None]
