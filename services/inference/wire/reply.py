"""The reply of `/generate`: ids, text and `meta_info` of one generation as it stands."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from services.inference.cpu.generation import Finish, FinishKind, Generation
from services.inference.wire.prompt import Prompt

Decode = Callable[[Sequence[int], bool], str]
_PARTIAL = "\ufffd"


@dataclass(frozen=True)
class Speaker:
    """Builds replies; `decode(ids, skip_special_tokens)` is None without a tokenizer."""

    decode: Decode | None

    def reply(
        self,
        prompt: Prompt,
        one: Generation,
        weight_version: str,
        started: float,
        *,
        tokens: int | None = None,
    ) -> dict[str, Any]:
        """A finished generation, or its first `tokens` ids while it streams.

        `weight_version` is the label for a reply without tokens; `started` is of `time.perf_counter`.
        """
        finish = one.finish if tokens is None else None
        count = len(one.output) if tokens is None else tokens
        reply: dict[str, Any] = {}
        if self.decode is not None:
            reply["text"] = self._text(prompt, one.output[:count], finish)
        reply["output_ids"] = one.output[:count]
        reply["meta_info"] = self._meta(prompt, one, finish, count, weight_version, started)
        if prompt.return_prompt_token_ids:
            reply["prompt_token_ids"] = list(prompt.ids)
        return reply

    def _meta(
        self,
        prompt: Prompt,
        one: Generation,
        finish: Finish | None,
        count: int,
        weight_version: str,
        started: float,
    ) -> dict[str, Any]:
        latency = {} if finish is None else {"e2e_latency": time.perf_counter() - started}
        versions = spans_of(one, count, weight_version)
        logprobs = self._logprobs(prompt, one, count) if prompt.return_logprob else {}
        meta = {
            "id": one.rid,
            "finish_reason": None if finish is None else finish_reason(finish, count),
            "weight_version": versions[-1]["version"],
        }
        if finish is not None and finish.queued:
            return meta | latency | logprobs | {"weight_versions": versions, "completion_tokens": count}
        return (
            meta
            | {"prompt_tokens": len(prompt.ids), "num_retractions": one.retractions}
            | logprobs
            | {"reasoning_tokens": 0, "completion_tokens": count, "cached_tokens": one.cached_tokens}
            | ({} if finish is None else {"weight_versions": versions})
            | {"cached_tokens_details": _cached_details(one.cached_tokens), "dp_rank": None}
            | latency
            | {"response_sent_to_client_ts": time.time()}
        )

    def _logprobs(self, prompt: Prompt, one: Generation, count: int) -> dict[str, Any]:
        scored: list[list[Any]] = []
        if prompt.score_from is not None:
            ids = prompt.ids[prompt.score_from :]
            scored = self._entries(prompt, [None, *one.prompt_logprobs], ids)
        return {
            "input_token_logprobs": scored,
            "output_token_logprobs": self._entries(prompt, one.logprobs[:count], one.output[:count]),
            "output_token_logprobs_length": count,
        }

    def _entries(
        self, prompt: Prompt, logprobs: Sequence[float | None], ids: Sequence[int]
    ) -> list[list[Any]]:
        if self.decode is None or not prompt.return_text_in_logprobs:
            return [[logprob, token, None] for logprob, token in zip(logprobs, ids, strict=False)]
        return [
            [logprob, token, self.decode([token], False)]
            for logprob, token in zip(logprobs, ids, strict=False)
        ]

    def _text(self, prompt: Prompt, output: Sequence[int], finish: Finish | None) -> str:
        assert self.decode is not None
        sampling = prompt.sampling
        matched = None if finish is None or sampling.no_stop_trim else finish.matched
        if isinstance(matched, int):
            output = output[:-1]
        text = self.decode(output, sampling.skip_special_tokens is not False)
        if isinstance(matched, str) and matched in text:
            text = text[: text.index(matched)]
        # While more may come, a character that is not whole yet is held back.
        return text.rstrip(_PARTIAL) if finish is None else text


def finish_reason(finish: Finish, count: int) -> dict[str, Any]:
    """SGLang's dictionary of a finish after `count` tokens."""
    if finish.kind is FinishKind.STOP:
        return {"type": "stop", "matched": finish.matched}
    if finish.kind is FinishKind.LENGTH:
        return {"type": "length", "length": count}
    if finish.queued:
        return {"type": "abort", "message": "Abort in waiting queue"}
    return {"type": "abort", "message": "Aborted", "status_code": None, "err_type": None}


def spans_of(one: Generation, count: int, weight_version: str) -> list[dict[str, Any]]:
    """Which weights sampled which of the first `count` tokens."""
    if not one.spans:
        return [{"version": weight_version, "start": 0, "end": 0}]
    ends = [span.start for span in one.spans[1:]] + [count]
    return [
        {"version": span.version, "start": span.start, "end": min(end, count)}
        for span, end in zip(one.spans, ends, strict=True)
        if span.start < count
    ]


def _cached_details(cached_tokens: int) -> dict[str, int] | None:
    return {"device": cached_tokens, "host": 0} if cached_tokens else None
