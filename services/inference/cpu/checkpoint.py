"""Weights of a Hugging Face folder: read, checked by name, shape and value, and fused."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from services.inference.cpu.config import ModelConfig
from services.kit.failure import Refused


@dataclass(frozen=True)
class Layer:
    """One decoder layer; matrices are (out, in)."""

    input_norm: Tensor
    qkv: Tensor  # (heads + 2 * kv_heads) * head_dim, hidden
    qk_norm: Tensor  # heads + kv_heads, head_dim: one row for each query head, then each key head
    output: Tensor
    mlp_norm: Tensor
    gate_up: Tensor  # 2 * intermediate, hidden
    down: Tensor


@dataclass(frozen=True)
class Weights:
    embedding: Tensor
    layers: tuple[Layer, ...]
    final_norm: Tensor
    head: Tensor  # vocabulary, hidden


def read_weights(folder: Path, config: ModelConfig) -> Weights:
    """The weights of a folder in float32. Raises Refused unless they are exactly a model of `config`."""
    tensors = _read_tensors(folder)
    if config.tied_embeddings:
        tensors.pop("lm_head.weight", None)
    _check(tensors, expected_shapes(config), folder)
    return _fuse(tensors, config)


def expected_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Every tensor that a checkpoint of this shape holds."""
    hidden, q, kv = config.hidden, config.heads * config.head_dim, config.kv_heads * config.head_dim
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (config.vocabulary, hidden),
        "model.norm.weight": (hidden,),
    }
    if not config.tied_embeddings:
        shapes["lm_head.weight"] = (config.vocabulary, hidden)
    layer = {
        "input_layernorm": (hidden,),
        "self_attn.q_proj": (q, hidden),
        "self_attn.k_proj": (kv, hidden),
        "self_attn.v_proj": (kv, hidden),
        "self_attn.q_norm": (config.head_dim,),
        "self_attn.k_norm": (config.head_dim,),
        "self_attn.o_proj": (hidden, q),
        "post_attention_layernorm": (hidden,),
        "mlp.gate_proj": (config.intermediate, hidden),
        "mlp.up_proj": (config.intermediate, hidden),
        "mlp.down_proj": (hidden, config.intermediate),
    }
    for index in range(config.layers):
        shapes |= {f"model.layers.{index}.{name}.weight": shape for name, shape in layer.items()}
    return shapes


def checksums(weights: Weights) -> dict[str, str]:
    """A short digest of each tensor as the engine holds it."""
    named = {"model.embed_tokens.weight": weights.embedding, "model.norm.weight": weights.final_norm}
    named["lm_head.weight"] = weights.head
    for index, layer in enumerate(weights.layers):
        prefix = f"model.layers.{index}."
        named |= {
            prefix + "input_layernorm.weight": layer.input_norm,
            prefix + "self_attn.qkv_proj.weight": layer.qkv,
            prefix + "self_attn.qk_norm.weight": layer.qk_norm,
            prefix + "self_attn.o_proj.weight": layer.output,
            prefix + "post_attention_layernorm.weight": layer.mlp_norm,
            prefix + "mlp.gate_up_proj.weight": layer.gate_up,
            prefix + "mlp.down_proj.weight": layer.down,
        }
    return {name: hashlib.sha256(tensor.numpy().tobytes()).hexdigest()[:16] for name, tensor in named.items()}


def _read_tensors(folder: Path) -> dict[str, Tensor]:
    if not folder.is_dir():
        raise _refused(folder, "the folder does not exist")
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise _refused(folder, "the folder holds no *.safetensors file")
    tensors: dict[str, Tensor] = {}
    for file in files:
        try:
            with safe_open(file, framework="pt") as stored:
                tensors |= {name: stored.get_tensor(name).float() for name in stored.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise _refused(folder, f"{file.name} cannot be read: {error}") from None
    return tensors


def _check(tensors: Mapping[str, Tensor], expected: Mapping[str, tuple[int, ...]], folder: Path) -> None:
    missing, unknown = sorted(expected.keys() - tensors.keys()), sorted(tensors.keys() - expected.keys())
    if missing or unknown:
        parts = [
            f"{word} {len(names)} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
            for word, names in (("missing", missing), ("unexpected", unknown))
            if names
        ]
        raise _refused(folder, f"the names of its tensors are not this model's: {'; '.join(parts)}")
    for name, shape in expected.items():
        if tuple(tensors[name].shape) != shape:
            raise _refused(folder, f"{name} has shape {tuple(tensors[name].shape)}, this model's is {shape}")
        if not bool(torch.isfinite(tensors[name]).all()):
            raise _refused(folder, f"{name} holds numbers that are not finite")


def _fuse(tensors: Mapping[str, Tensor], config: ModelConfig) -> Weights:
    embedding = tensors["model.embed_tokens.weight"]
    return Weights(
        embedding=embedding,
        layers=tuple(_layer(tensors, f"model.layers.{index}.", config) for index in range(config.layers)),
        final_norm=tensors["model.norm.weight"],
        head=embedding if config.tied_embeddings else tensors["lm_head.weight"],
    )


def _layer(tensors: Mapping[str, Tensor], prefix: str, config: ModelConfig) -> Layer:
    def named(*names: str) -> list[Tensor]:
        return [tensors[f"{prefix}{name}.weight"] for name in names]

    q_norm, k_norm = named("self_attn.q_norm", "self_attn.k_norm")
    return Layer(
        input_norm=named("input_layernorm")[0],
        qkv=torch.cat(named("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")),
        qk_norm=torch.cat([q_norm.expand(config.heads, -1), k_norm.expand(config.kv_heads, -1)]),
        output=named("self_attn.o_proj")[0],
        mlp_norm=named("post_attention_layernorm")[0],
        gate_up=torch.cat(named("mlp.gate_proj", "mlp.up_proj")),
        down=named("mlp.down_proj")[0],
    )


def _refused(folder: Path, detail: str) -> Refused:
    remedy = "give a folder written for this model's config.json"
    return Refused(f"{folder}: {detail}", field="model_path", value=folder, remedy=remedy)
