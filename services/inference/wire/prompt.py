"""The prompts that a generate request stands for, checked against what the engine can do."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from services.inference.wire.generate import UNSUPPORTED_BODY, GenerateBody
from services.inference.wire.refusal import body_refusal, contract_refusal, value_refusal
from services.inference.wire.sampling import SamplingParams, check_sampling

Item = TypeVar("Item")


@dataclass(frozen=True)
class Prompt:
    """One generation that is asked for; `score_from` is None unless prompt log-probs are."""

    rid: str
    ids: tuple[int, ...]
    sampling: SamplingParams
    max_new_tokens: int
    return_logprob: bool
    score_from: int | None
    return_text_in_logprobs: bool
    return_prompt_token_ids: bool
    stream: bool
    extra_key: str | None


@dataclass(frozen=True)
class Door:
    """What a prompt is checked against; `encode` is None without a tokenizer."""

    vocabulary: int
    context_length: int
    encode: Callable[[str], list[int]] | None


@dataclass(frozen=True)
class Batch:
    """The prompts of one request; `single` replies with an object, otherwise with an array."""

    prompts: tuple[Prompt, ...]
    single: bool
    stream: bool


_decoder = msgspec.json.Decoder(GenerateBody)


def parse_generate(raw: bytes, door: Door) -> Batch:
    """The prompts of a request's bytes. Raises Refusal with what SGLang would answer."""
    try:
        body = _decoder.decode(raw)
    except msgspec.DecodeError as error:
        refusal = contract_refusal if "$.sampling_params" in str(error) else body_refusal
        raise refusal(str(error)) from None
    for name in UNSUPPORTED_BODY:
        if getattr(body, name):
            raise value_refusal(
                f"'{name}' is not supported by this engine; leave it out or use engine=sglang"
            )
    if body.routed_dp_rank not in (None, 0):
        raise value_refusal(f"routed_dp_rank={body.routed_dp_rank} out of range [0, 1)")
    inputs, batched = _inputs(body, door)
    wanted = _spread("sampling_params", body.sampling_params, len(inputs))
    samplings = [sampling or SamplingParams() for sampling in wanted]
    for sampling in samplings:
        check_sampling(sampling, door.vocabulary, has_tokenizer=door.encode is not None)
    copies = {sampling.n or 1 for sampling in samplings}
    if len(copies) > 1:
        raise value_refusal("every 'n' of a batch must be the same")
    n = copies.pop()
    rids = _rids(body.rid, len(inputs), n, batched=batched)
    prompts = [
        _prompt(body, door, rids[index * n + copy], index, inputs, samplings)
        for index in range(len(inputs))
        for copy in range(n)
    ]
    return Batch(tuple(prompts), not batched and n == 1, bool(body.stream))


def _prompt(
    body: GenerateBody,
    door: Door,
    rid: str,
    index: int,
    inputs: Sequence[list[int]],
    samplings: Sequence[SamplingParams],
) -> Prompt:
    ids, sampling, size = inputs[index], samplings[index], len(inputs)
    return_logprob = bool(_spread("return_logprob", body.return_logprob, size)[index])
    start = _spread("logprob_start_len", body.logprob_start_len, size)[index]
    keys = [
        _spread(name, value, size)[index]
        for name, value in (("cache_salt", body.cache_salt), ("extra_key", body.extra_key))
    ]
    return Prompt(
        rid=rid,
        ids=tuple(ids),
        sampling=sampling,
        max_new_tokens=_room(len(ids), sampling.max_new_tokens, door.context_length),
        return_logprob=return_logprob,
        score_from=_score_from(start, len(ids)) if return_logprob else None,
        return_text_in_logprobs=bool(body.return_text_in_logprobs),
        return_prompt_token_ids=body.return_prompt_token_ids,
        stream=bool(body.stream),
        extra_key="\n".join(key for key in keys if key) or None,
    )


def _inputs(body: GenerateBody, door: Door) -> tuple[list[list[int]], bool]:
    """Ids of each prompt, checked, and whether the request was a batch."""
    given: Any = body.input_ids
    if given is None:
        given, batched = _encoded(body.text, door)
    elif len(kinds := set(map(type, given))) > 1:
        raise body_refusal("input_ids must be a list of integers or a list of such lists")
    else:
        batched = kinds == {list}
        given = given if batched else [given]
    for ids in given:
        _check_ids(ids, door)
    return given, batched


def _encoded(text: str | list[str] | None, door: Door) -> tuple[list[list[int]], bool]:
    if text is None:
        raise value_refusal("Either text or input_ids must be given.")
    if door.encode is None:
        raise value_refusal("'text' needs a tokenizer, and the model folder has none; send input_ids")
    texts = [text] if isinstance(text, str) else text
    if not texts:
        raise value_refusal("text cannot be empty.")
    return [door.encode(one) for one in texts], not isinstance(text, str)


def _check_ids(ids: list[int], door: Door) -> None:
    if not ids:
        raise value_refusal("input_ids cannot be empty.")
    if min(ids) < 0 or max(ids) >= door.vocabulary:
        strange = next(token for token in ids if not 0 <= token < door.vocabulary)
        raise value_refusal(f"input_ids holds {strange}, outside the vocabulary of {door.vocabulary} tokens")
    if len(ids) >= door.context_length:
        raise value_refusal(
            f"The input ({len(ids)} tokens) is longer than the model's context length "
            f"({door.context_length} tokens)."
        )


def _room(prompt_tokens: int, max_new_tokens: int | None, context_length: int) -> int:
    """How many tokens may be sampled; without a wish, what the context leaves."""
    if max_new_tokens is None:
        return context_length - prompt_tokens
    if prompt_tokens + max_new_tokens > context_length:
        raise value_refusal(
            f"Requested token count exceeds the model's maximum context length of {context_length} tokens: "
            f"{prompt_tokens} tokens of input and max_new_tokens={max_new_tokens}."
        )
    return max_new_tokens


def _score_from(start: int | None, prompt_tokens: int) -> int | None:
    if start is None or start == -1:
        return None
    if not 0 <= start < prompt_tokens:
        raise value_refusal(f"logprob_start_len must be -1 or in [0, {prompt_tokens - 1}], got {start}.")
    return start


def _rids(given: str | list[str] | None, inputs: int, n: int, *, batched: bool) -> list[str]:
    """One id a generation; several samples of a prompt get new ones, as SGLang gives them."""
    if given is None or n > 1:
        return [uuid.uuid4().hex for _ in range(inputs * n)]
    if isinstance(given, str):
        return [f"{given}_{index}" for index in range(inputs)] if batched else [given]
    if len(given) != inputs:
        raise value_refusal(f"'rid' has {len(given)} items for {inputs} prompts")
    twice = sorted({rid for rid in given if given.count(rid) > 1})
    if twice:
        raise value_refusal(f"Duplicate request IDs detected within the request: {twice}")
    return given


def _spread(name: str, given: Item | list[Item] | None, size: int) -> list[Item | None]:
    """One value a prompt from one value for all, or a list of them."""
    if not isinstance(given, list):
        return [given] * size
    if len(given) != size:
        raise value_refusal(f"'{name}' has {len(given)} items for {size} prompts")
    return list(given)
