"""Groups and records for transport tests."""

import numpy as np

from services.contracts.sealed_group import SealedGroup, SealedRollout
from services.contracts.token_record import CallHeader, TokenArrays, TokenRecord, VersionSpan
from services.contracts.words import new_id

ROLLOUT = new_id()


def sealed_group(reward: float = 1.0, rollouts: int = 2) -> SealedGroup:
    """A group whose rollouts all have `reward`."""
    return SealedGroup(
        group_id=new_id(),
        environment="terminal",
        split="train",
        index=3,
        sealed_at=1.5,
        rollouts=tuple(
            SealedRollout(new_id(), 1, reward, {"tests": 1.0}, "completed", 4, 5, 60, 3, "d")
            for _ in range(rollouts)
        ),
    )


def token_record(
    prompt: list[int],
    sampled: list[int],
    logprobs: list[float] | None = None,
    index: int = 0,
    call_id: str | None = None,
    rollout_id: str = ROLLOUT,
) -> TokenRecord:
    """A call of attempt 1; log-probs are -0.5 unless told."""
    ids = np.array(prompt, np.int32)
    values = np.array([-0.5] * len(sampled) if logprobs is None else logprobs, np.float32)
    arrays = TokenArrays.of(ids, np.array(sampled, np.int32), values, ids)
    header = CallHeader(
        rollout_id=rollout_id,
        attempt=1,
        call_id=call_id or new_id(),
        index=index,
        branch=0,
        parent=None,
        prompt_tokens=len(prompt),
        sampled_tokens=len(sampled),
        versions=(VersionSpan(2, 0, len(sampled)),),
        engine="e0",
        temperature=1.0,
        finish_reason="stop",
        messages=({"role": "assistant", "content": "ls"},),
        digest=arrays.digest(),
    )
    return TokenRecord(header, arrays)
