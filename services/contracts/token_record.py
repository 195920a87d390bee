"""What the gateway keeps of each model call: the ids sent, the ids sampled, and where they came from."""

from typing import Any, Self

import msgspec
import numpy as np
import xxhash
from numpy.typing import NDArray

Ids = NDArray[np.int32]
LogProbs = NDArray[np.float32]


class VersionSpan(msgspec.Struct, frozen=True, array_like=True):
    """Sampled tokens `start` to `end` (exclusive) came from weights `version`."""

    version: int
    start: int
    end: int


class CallHeader(msgspec.Struct, frozen=True):
    """A model call without its arrays: small, and all that the orchestrator reads.

    A call extends its `parent`: the sequence of a call is the parent's sequence, then its prompt
    delta, then what was sampled. A call without a parent starts from an empty sequence; it opens a
    branch unless it is the first. Two calls with one parent are branches that share a prefix.

    `messages` are those that the parent had not seen, then the reply, so that the messages of a call and
    of all before it are its conversation; `prompt_tokens` likewise counts only what is new. `tools`
    stand in calls without a parent; what follows on them has the same.
    """

    rollout_id: str
    attempt: int
    call_id: str
    index: int
    branch: int
    parent: str | None
    prompt_tokens: int
    sampled_tokens: int
    versions: tuple[VersionSpan, ...]
    engine: str
    temperature: float
    finish_reason: str
    messages: tuple[dict[str, Any], ...]
    tools: tuple[dict[str, Any], ...] = ()
    started_at: float = 0.0
    seconds: float = 0.0
    cached_tokens: int = 0
    digest: str = ""

    @property
    def oldest_version(self) -> int | None:
        return min((span.version for span in self.versions if span.end > span.start), default=None)

    @property
    def newest_version(self) -> int | None:
        return max((span.version for span in self.versions if span.end > span.start), default=None)


class TokenArrays(msgspec.Struct, frozen=True):
    """Raw little-endian arrays of one call: int32 prompt delta, int32 sampled ids, float32 log-probs.

    `input_digest` is the digest of all ids that the engine was sent, so that the learner can prove
    that it trains on the same prompt.
    """

    prompt_ids: bytes
    sampled_ids: bytes
    rollout_logprobs: bytes
    input_digest: str

    @classmethod
    def of(
        cls, prompt_ids: Ids, sampled_ids: Ids, rollout_logprobs: LogProbs, input_ids: Ids
    ) -> "TokenArrays":
        return cls(
            prompt_ids.astype("<i4").tobytes(),
            sampled_ids.astype("<i4").tobytes(),
            rollout_logprobs.astype("<f4").tobytes(),
            ids_digest(input_ids),
        )

    @property
    def prompt(self) -> Ids:
        return np.frombuffer(self.prompt_ids, "<i4")

    @property
    def sampled(self) -> Ids:
        return np.frombuffer(self.sampled_ids, "<i4")

    @property
    def logprobs(self) -> LogProbs:
        return np.frombuffer(self.rollout_logprobs, "<f4")

    def digest(self) -> str:
        """Digest of the arrays (xxh3, 128 bits), checked where they are written, queued and read."""
        state = xxhash.xxh3_128()
        for part in (self.prompt_ids, self.sampled_ids, self.rollout_logprobs, self.input_digest.encode()):
            state.update(len(part).to_bytes(8, "little"))
            state.update(part)
        return state.hexdigest()


class TokenRecord(msgspec.Struct, frozen=True):
    """One model call, whole."""

    header: CallHeader
    arrays: TokenArrays

    def checked(self) -> Self:
        """The record itself, or ValueError: counts agree, and no non-finite number enters a store."""
        call, arrays = self.header, self.arrays
        counts = (len(arrays.prompt), len(arrays.sampled), len(arrays.logprobs))
        if counts != (call.prompt_tokens, call.sampled_tokens, call.sampled_tokens):
            said = f"{call.prompt_tokens} prompt and {call.sampled_tokens} sampled tokens"
            raise ValueError(f"call {call.call_id} says {said}, its arrays hold {counts}")
        if not np.isfinite(arrays.logprobs).all():
            raise ValueError(f"call {call.call_id} has a non-finite log-prob")
        return self


def ids_digest(ids: Ids) -> str:
    """Digest of a token sequence (xxh3, 128 bits, over little-endian int32)."""
    return xxhash.xxh3_128_hexdigest(ids.astype("<i4").tobytes())


def records_digest(headers: list[CallHeader]) -> str:
    """One digest for all calls of an attempt, in the order of their index."""
    joined = "".join(header.digest for header in sorted(headers, key=lambda header: header.index))
    return xxhash.xxh3_128_hexdigest(joined.encode())
