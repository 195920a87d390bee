"""The body of `POST /generate`, strictly typed."""

from typing import Any

import msgspec

from services.inference.wire.sampling import SamplingParams


class GenerateBody(msgspec.Struct, frozen=True):
    """The keys of a generate request that decide something here; unknown ones are ignored."""

    rid: str | list[str] | None = None
    text: str | list[str] | None = None
    input_ids: list[int | list[int]] | None = None  # ids, or a list of ids for each prompt
    sampling_params: SamplingParams | list[SamplingParams] | None = None
    return_logprob: bool | list[bool] | None = None
    logprob_start_len: int | list[int] | None = None
    return_text_in_logprobs: bool | None = None
    return_prompt_token_ids: bool = False
    stream: bool | None = False
    extra_key: str | list[str] | None = None
    cache_salt: str | list[str] | None = None
    routed_dp_rank: int | None = None
    # Known to SGLang, not to this engine: refused by name rather than ignored.
    input_embeds: Any = None
    image_data: Any = None
    video_data: Any = None
    audio_data: Any = None
    top_logprobs_num: int | list[int] | None = None
    token_ids_logprob: Any = None
    return_sampling_mask: Any = None
    return_hidden_states: Any = None
    return_routed_experts: Any = None
    return_indexer_topk: Any = None
    return_entropy: Any = None
    session_params: Any = None
    lora_path: Any = None
    custom_logit_processor: Any = None
    max_thinking_tokens: int | None = None


UNSUPPORTED_BODY = (
    "input_embeds",
    "image_data",
    "video_data",
    "audio_data",
    "top_logprobs_num",
    "token_ids_logprob",
    "return_sampling_mask",
    "return_hidden_states",
    "return_routed_experts",
    "return_indexer_topk",
    "return_entropy",
    "session_params",
    "lora_path",
    "custom_logit_processor",
    "max_thinking_tokens",
)
