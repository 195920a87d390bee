"""SGLang's `/generate` on the wire, and the door at which its reply is believed or refused."""

import math
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.contracts.token_record import Ids, LogProbs, VersionSpan

Entry = tuple[float, int, Any]  # log-probability, id, text

_CERTAIN = 1e-3  # how far above 0 rounding may lift the log-probability of a certain token


class EngineFault(Exception):
    """An engine did not answer, failed, or answered nonsense; another try may do better."""


class ConnectionLost(EngineFault):
    """An open connection broke: a dying engine, or one that closed it while it was idle."""


class SamplingParams(msgspec.Struct, frozen=True, omit_defaults=True):
    """Every field that is not SGLang's default, or whose default would cut or change ids."""

    max_new_tokens: int
    temperature: float
    top_p: float
    top_k: int
    stop_token_ids: tuple[int, ...]
    skip_special_tokens: bool
    spaces_between_special_tokens: bool
    no_stop_trim: bool
    stop: tuple[str, ...] = ()


class GenerateRequest(msgspec.Struct, frozen=True):
    """One sampling. `rid` has a fixed length: SGLang aborts by prefix."""

    rid: str
    input_ids: list[int]
    sampling_params: SamplingParams
    extra_key: str
    routing_key: str
    return_logprob: bool = True
    stream: bool = False


class _Finish(msgspec.Struct):
    type: str
    matched: int | str | list[int] | None = None


class _Span(msgspec.Struct):
    version: str
    start: int
    end: int


class _Meta(msgspec.Struct):
    finish_reason: _Finish
    weight_version: str | None = None
    weight_versions: list[_Span] | None = None
    output_token_logprobs: list[Entry] = []
    cached_tokens: int = 0


class _Reply(msgspec.Struct):
    meta_info: _Meta
    output_ids: list[int] = []


_decoder = msgspec.json.Decoder(_Reply)


@dataclass(frozen=True, eq=False)
class Generation:
    """What an engine sampled: ids, their log-probabilities, and spans of weights that cover them."""

    ids: Ids
    logprobs: LogProbs
    versions: tuple[VersionSpan, ...]
    finish: str
    stop_text: str | None
    cached_tokens: int

    def then(self, later: "Generation") -> "Generation":
        """Both as one: `later` went on from where this was aborted."""
        shift = len(self.ids)
        moved = [VersionSpan(span.version, span.start + shift, span.end + shift) for span in later.versions]
        return Generation(
            np.concatenate([self.ids, later.ids]),
            np.concatenate([self.logprobs, later.logprobs]),
            joined(*self.versions, *moved),
            later.finish,
            later.stop_text,
            self.cached_tokens,
        )


NOTHING = Generation(np.empty(0, np.int32), np.empty(0, np.float32), (), "abort", None, 0)


def read_generation(body: bytes, vocabulary_size: int, most: int) -> Generation:
    """Parse and check a reply. Raises EngineFault on anything that may not become a record."""
    try:
        reply = _decoder.decode(body)
    except msgspec.DecodeError as error:
        raise EngineFault(f"reply is not one of /generate: {error}") from None
    meta, ids = reply.meta_info, reply.output_ids
    _check_counts(len(ids), len(meta.output_token_logprobs), most, meta.finish_reason.type)
    logprobs = np.array([entry[0] for entry in meta.output_token_logprobs], np.float64)
    if not _plausible(ids, logprobs, meta.output_token_logprobs, vocabulary_size):
        raise EngineFault(_fault(ids, meta.output_token_logprobs, vocabulary_size))
    matched = meta.finish_reason.matched
    return Generation(
        np.array(ids, np.int32),
        logprobs.astype(np.float32),
        _versions(meta, len(ids)),
        meta.finish_reason.type,
        matched if isinstance(matched, str) else None,
        meta.cached_tokens,
    )


def _check_counts(ids: int, logprobs: int, most: int, finish: str) -> None:
    if finish not in ("stop", "length", "abort"):
        raise EngineFault(f"unknown finish reason {finish!r}")
    if logprobs != ids:
        raise EngineFault(f"{ids} ids but {logprobs} log-probabilities")
    if ids > most or (not ids and finish != "abort"):
        raise EngineFault(f"{ids} ids where 1 to {most} were asked for")


def _plausible(ids: list[int], logprobs: NDArray[np.float64], entries: list[Entry], size: int) -> bool:
    """Whether all of them are, in one go; `_fault` then tells which is not."""
    if not ids:
        return True
    in_vocabulary = min(ids) >= 0 and max(ids) < size
    certain = bool(np.isfinite(logprobs).all()) and float(logprobs.max()) <= _CERTAIN
    return in_vocabulary and certain and [entry[1] for entry in entries] == ids


def _fault(ids: list[int], entries: list[Entry], vocabulary_size: int) -> str:
    for token_id, (logprob, of, _) in zip(ids, entries, strict=True):
        if of != token_id:
            return f"the log-probability of id {of} stands where id {token_id} was sampled"
        if not 0 <= token_id < vocabulary_size:
            return f"id {token_id} is outside the vocabulary of {vocabulary_size}"
        if not math.isfinite(logprob) or logprob > _CERTAIN:
            return f"log-probability {logprob} of id {token_id}"
    raise AssertionError("one of them is not plausible")


def _versions(meta: _Meta, length: int) -> tuple[VersionSpan, ...]:
    if meta.weight_versions is None:
        spans: list[_Span] = [_Span(meta.weight_version or "", 0, length)] if length else []
    else:
        spans = [span for span in meta.weight_versions if span.end > span.start]
    edges = [0, *(span.end for span in spans)]
    if edges[-1] != length or any(span.start != edge for span, edge in zip(spans, edges, strict=False)):
        raise EngineFault(f"weight versions do not cover the {length} ids")
    return joined(*(VersionSpan(weight_version(span.version), span.start, span.end) for span in spans))


def weight_version(label: str) -> int:
    """SGLang's label as our number; "default" is what an engine starts with. Raises EngineFault."""
    if label == "default":
        return 0
    if not label.isdecimal():
        raise EngineFault(f"weight version {label!r} is not a number")
    return int(label)


def joined(*spans: VersionSpan) -> tuple[VersionSpan, ...]:
    """Spans in order, neighbours of one version made one."""
    out: list[VersionSpan] = []
    for span in spans:
        if out and out[-1].version == span.version:
            span = VersionSpan(span.version, out.pop().start, span.end)
        out.append(span)
    return tuple(out)
