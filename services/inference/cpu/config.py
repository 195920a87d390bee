"""The shape of a model, read from `config.json` of a Hugging Face folder."""

from pathlib import Path
from typing import Any

import msgspec

from services.kit.failure import Refused


class _Rope(msgspec.Struct, frozen=True):
    rope_theta: float = 10_000.0
    rope_type: str = "default"


class _File(msgspec.Struct, frozen=True):
    """The fields of `config.json` that decide the forward pass; the others are not read."""

    model_type: str
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    max_position_embeddings: int
    head_dim: int | None = None
    rms_norm_eps: float = 1e-6
    rope_theta: float | None = None
    rope_parameters: _Rope | None = None
    rope_scaling: dict[str, Any] | None = None
    tie_word_embeddings: bool = False
    attention_bias: bool = False
    use_sliding_window: bool = False
    hidden_act: str = "silu"
    eos_token_id: int | list[int] | None = None
    architectures: list[str] = []


class ModelConfig(msgspec.Struct, frozen=True):
    """A dense Qwen3: sizes, and the ids that end a reply."""

    vocabulary: int
    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    context_length: int
    norm_eps: float
    rope_theta: float
    tied_embeddings: bool
    eos_token_ids: frozenset[int]
    model_type: str
    architectures: tuple[str, ...]

    def with_context(self, length: int) -> "ModelConfig":
        return msgspec.structs.replace(self, context_length=length)


def read_config(folder: Path) -> ModelConfig:
    """The configuration of a folder. Raises Refused if it is missing, malformed or not dense Qwen3."""
    file = folder / "config.json"
    try:
        raw = msgspec.json.decode(file.read_bytes(), type=_File)
    except FileNotFoundError:
        raise _refused(file, "the file does not exist", "give the folder of a Hugging Face model") from None
    except msgspec.DecodeError as error:
        raise _refused(file, str(error), "repair the file") from None
    rope = raw.rope_parameters or _Rope()
    for unfit, what in (
        (raw.model_type != "qwen3", f"model_type '{raw.model_type}'"),
        (raw.attention_bias, "attention_bias"),
        (raw.use_sliding_window, "use_sliding_window"),
        (raw.hidden_act != "silu", f"hidden_act '{raw.hidden_act}'"),
        (bool(raw.rope_scaling) or rope.rope_type != "default", "scaled rotary embeddings"),
    ):
        if unfit:
            raise _refused(file, f"{what} is not supported", "use a dense Qwen3 model, or engine=sglang")
    return ModelConfig(
        vocabulary=raw.vocab_size,
        hidden=raw.hidden_size,
        intermediate=raw.intermediate_size,
        layers=raw.num_hidden_layers,
        heads=raw.num_attention_heads,
        kv_heads=raw.num_key_value_heads,
        head_dim=raw.head_dim or raw.hidden_size // raw.num_attention_heads,
        context_length=raw.max_position_embeddings,
        norm_eps=raw.rms_norm_eps,
        rope_theta=raw.rope_theta or rope.rope_theta,
        tied_embeddings=raw.tie_word_embeddings,
        eos_token_ids=_eos(raw, folder),
        model_type=raw.model_type,
        architectures=tuple(raw.architectures) or ("Qwen3ForCausalLM",),
    )


class _Generation(msgspec.Struct, frozen=True):
    eos_token_id: int | list[int] | None = None


def _eos(raw: _File, folder: Path) -> frozenset[int]:
    """Ends of `config.json` and of `generation_config.json` together, as SGLang takes them."""
    file = folder / "generation_config.json"
    generation = _Generation()
    if file.exists():
        generation = msgspec.json.decode(file.read_bytes(), type=_Generation)
    return frozenset(_ids(raw.eos_token_id)) | frozenset(_ids(generation.eos_token_id))


def _ids(eos: int | list[int] | None) -> list[int]:
    if eos is None:
        return []
    return [eos] if isinstance(eos, int) else eos


def _refused(file: Path, detail: str, remedy: str) -> Refused:
    return Refused(f"{file}: {detail}", field="model_path", value=file.parent, remedy=remedy)
