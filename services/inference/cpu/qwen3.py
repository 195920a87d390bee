"""The forward pass of a dense Qwen3 in float32."""

from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import embedding, linear, rms_norm, silu

from services.inference.cpu.checkpoint import Layer, Weights
from services.inference.cpu.config import ModelConfig


class Attend(Protocol):
    """Stores keys and values of a layer and attends over what is stored."""

    def __call__(self, layer: int, q: Tensor, kv: Tensor) -> Tensor: ...


class Qwen3:
    """`weights` may be replaced between two calls."""

    def __init__(self, config: ModelConfig, weights: Weights) -> None:
        self.config, self.weights = config, weights
        half = torch.arange(0, config.head_dim, 2).float() / config.head_dim
        angles = torch.arange(config.context_length)[:, None] / config.rope_theta**half
        self._cos = angles.cos().repeat(1, 2)
        # The rotation's other half with its sign: x * cos + roll(x) * sin.
        self._sin = torch.cat([-angles.sin(), angles.sin()], 1)

    def hidden(self, ids: Tensor, positions: Tensor, attend: Attend) -> Tensor:
        """Final hidden states (rows, hidden) of token ids (rows,) at positions (rows,)."""
        eps, shape = self.config.norm_eps, (self.config.hidden,)
        cos, sin = self._cos[positions][:, None], self._sin[positions][:, None]
        x = embedding(ids, self.weights.embedding)
        for index, layer in enumerate(self.weights.layers):
            q, kv = self._project(layer, rms_norm(x, shape, layer.input_norm, eps), cos, sin)
            x = x + linear(attend(index, q, kv), layer.output)
            gate, up = linear(rms_norm(x, shape, layer.mlp_norm, eps), layer.gate_up).chunk(2, -1)
            x = x + linear(silu(gate) * up, layer.down)
        return rms_norm(x, shape, self.weights.final_norm, eps)

    def logits(self, hidden: Tensor) -> Tensor:
        """(rows, hidden) -> (rows, vocabulary)."""
        return linear(hidden, self.weights.head)

    def _project(self, layer: Layer, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
        """Queries (rows, heads, head_dim), and keys with values (rows, 2, kv_heads, head_dim).

        Queries and keys are normed and rotated.
        """
        heads, kv_heads, size = self.config.heads, self.config.kv_heads, self.config.head_dim
        qkv = linear(x, layer.qkv).view(x.shape[0], heads + 2 * kv_heads, size)
        qk = rms_norm(qkv[:, : heads + kv_heads], (size,), None, self.config.norm_eps) * layer.qk_norm
        qk = torch.addcmul(qk * cos, qk.roll(size // 2, -1), sin)
        qkv[:, heads : heads + kv_heads] = qk[:, heads:]
        return qk[:, :heads], qkv[:, heads:].view(x.shape[0], 2, kv_heads, size)
