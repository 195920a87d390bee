"""Sampling parameters on the wire: SGLang's names, defaults and ranges."""

import math
from typing import Any

import msgspec

from services.inference.wire.refusal import value_refusal


class SamplingParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """SGLang's sampling parameters with its defaults; null means the default."""

    max_new_tokens: int | None = 128
    stop: str | list[str] | None = None
    stop_token_ids: list[int] | None = None
    temperature: float | None = 1.0
    top_p: float | None = 1.0
    top_k: int | None = -1
    min_p: float | None = 0.0
    frequency_penalty: float | None = 0.0
    presence_penalty: float | None = 0.0
    repetition_penalty: float | None = 1.0
    min_new_tokens: int | None = 0
    n: int | None = 1
    ignore_eos: bool | None = False
    skip_special_tokens: bool | None = True
    spaces_between_special_tokens: bool | None = True
    no_stop_trim: bool | None = False
    stream_interval: int | None = None
    logit_bias: dict[str, float] | None = None
    sampling_seed: int | None = None
    custom_params: Any = None
    stop_regex: Any = None
    json_schema: Any = None
    regex: Any = None
    ebnf: Any = None
    structural_tag: Any = None
    beam_width: Any = None
    watermark: Any = None
    choice: list[str] = []


UNSUPPORTED_SAMPLING = (
    "stop_regex",
    "json_schema",
    "regex",
    "ebnf",
    "structural_tag",
    "beam_width",
    "watermark",
    "choice",
    "custom_params",
)


def check_sampling(sampling: SamplingParams, vocabulary: int, *, has_tokenizer: bool) -> None:
    """Raises Refusal by the name of what is unsupported or out of its range."""
    for name in UNSUPPORTED_SAMPLING:
        if getattr(sampling, name):
            raise value_refusal(
                f"'{name}' is not supported by this engine; leave it out or use engine=sglang"
            )
    if sampling.stop and not has_tokenizer:
        raise value_refusal("'stop' needs a tokenizer, and the model folder has none; send stop_token_ids")
    for fits, name, rule in _ranges(sampling, vocabulary):
        if not fits:
            raise value_refusal(f"{name} must be {rule}, got {getattr(sampling, name)}.")


def _ranges(s: SamplingParams, vocabulary: int) -> list[tuple[bool, str, str]]:
    temperature = 1.0 if s.temperature is None else s.temperature
    longest = s.max_new_tokens if s.max_new_tokens is not None else math.inf
    top_k = -1 if s.top_k is None else s.top_k
    top_p = 1.0 if s.top_p is None else s.top_p
    bias = s.logit_bias or {}
    repetition = 1.0 if s.repetition_penalty is None else s.repetition_penalty
    return [
        (math.isfinite(temperature) and temperature >= 0, "temperature", "a non-negative finite number"),
        (0 < top_p <= 1, "top_p", "in (0, 1]"),
        (0 <= (s.min_p or 0) <= 1, "min_p", "in [0, 1]"),
        (top_k == -1 or top_k >= 1, "top_k", "-1 (disable) or at least 1"),
        (abs(s.frequency_penalty or 0) <= 2, "frequency_penalty", "in [-2, 2]"),
        (abs(s.presence_penalty or 0) <= 2, "presence_penalty", "in [-2, 2]"),
        (0 < repetition <= 2, "repetition_penalty", "in (0, 2]"),
        (longest >= 0, "max_new_tokens", "at least 0"),
        (0 <= (s.min_new_tokens or 0) <= longest, "min_new_tokens", "in [0, max_new_tokens]"),
        (s.n is None or s.n >= 1, "n", "at least 1"),
        (all(key.isdigit() and int(key) < vocabulary for key in bias), "logit_bias", "keyed by token ids"),
        (
            s.sampling_seed is None or -(2**63) <= s.sampling_seed < 2**63,
            "sampling_seed",
            "in [-2**63, 2**63 - 1]",
        ),
    ]
