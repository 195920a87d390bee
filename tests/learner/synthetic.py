"""Groups with token records as the gateway would leave them, and a random policy to train on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

from services.contracts.sealed_group import SealedGroup, SealedRollout
from services.contracts.token_record import (
    CallHeader,
    TokenArrays,
    TokenRecord,
    VersionSpan,
    ids_digest,
    records_digest,
)
from services.contracts.words import new_id
from services.transport.token_store import TokenStore

VOCABULARY = 64


@dataclass(frozen=True)
class Call:
    """What a test says of a model call; `sent` is what the engine was sent, if not what is recorded."""

    name: str
    parent: str | None
    prompt: Sequence[int]
    sampled: Sequence[int]
    version: int = 0
    temperature: float = 1.0
    sent: Sequence[int] | None = None
    logprobs: Sequence[float] | None = None


def records(calls: Sequence[Call], rollout_id: str = "r" * 32) -> list[TokenRecord]:
    """Token records of the calls of one attempt."""
    whole: dict[str | None, list[int]] = {None: []}
    made = []
    for index, call in enumerate(calls):
        before = [*whole[call.parent], *call.prompt]
        whole[call.name] = [*before, *call.sampled]
        arrays = TokenArrays(
            np.array(call.prompt, "<i4").tobytes(),
            np.array(call.sampled, "<i4").tobytes(),
            np.array(call.logprobs or [-1.0] * len(call.sampled), "<f4").tobytes(),
            ids_digest(np.array(before if call.sent is None else call.sent, np.int32)),
        )
        header = CallHeader(
            rollout_id=rollout_id,
            attempt=1,
            call_id=call.name,
            index=index,
            branch=0,
            parent=call.parent,
            prompt_tokens=len(call.prompt),
            sampled_tokens=len(call.sampled),
            versions=(VersionSpan(call.version, 0, len(call.sampled)),) if call.sampled else (),
            engine="engine",
            temperature=call.temperature,
            finish_reason="stop",
            messages=(),
            digest=arrays.digest(),
        )
        made.append(TokenRecord(header, arrays))
    return made


def sealed_rollout(kept: Sequence[TokenRecord], reward: float = 1.0, repeats: int = 1) -> SealedRollout:
    """The rollout that these records belong to."""
    headers = [record.header for record in kept]
    versions = [span.version for header in headers for span in header.versions] or [0]
    return SealedRollout(
        rollout_id=headers[0].rollout_id if headers else new_id(),
        attempt=1,
        reward=reward,
        components={},
        cause="completed",
        oldest_version=min(versions),
        newest_version=max(versions),
        sampled_tokens=sum(header.sampled_tokens for header in headers),
        records=len(headers),
        digest=records_digest(headers),
        repeats=repeats,
    )


def sealed_group(rollouts: Sequence[SealedRollout], number: int = 0) -> SealedGroup:
    group_id = f"{number:032x}" if number else new_id()
    return SealedGroup(group_id, "terminal", "train", 0, float(number), tuple(rollouts))


async def random_group(
    store: TokenStore, generator: np.random.Generator, *, number: int, version: int = 0, size: int = 4
) -> SealedGroup:
    """A group of two-turn rollouts of random tokens and rewards, its records kept in `store`."""
    rollouts = []
    for index in range(size):
        rollout_id = f"{number:016x}{index:016x}"
        first, second = (
            generator.integers(1, VOCABULARY, (2, int(generator.integers(2, 12)))).tolist() for _ in range(2)
        )
        logprobs = (-4 + generator.normal(0, 0.3, len(first[1]) + len(second[1]))).tolist()
        split = len(first[1])
        kept = records(
            [
                Call(f"{rollout_id}a", None, first[0], first[1], version, logprobs=logprobs[:split]),
                Call(
                    f"{rollout_id}b",
                    f"{rollout_id}a",
                    second[0],
                    second[1],
                    version,
                    logprobs=logprobs[split:],
                ),
            ],
            rollout_id,
        )
        for record in kept:
            await store.append(record)
        rollouts.append(sealed_rollout(kept, reward=float(index % 2)))
    return sealed_group(rollouts, number)


def write_policy(folder: Path, seed: int = 0) -> Path:
    """A random Qwen3 of a few thousand parameters as a Hugging Face folder."""
    torch.manual_seed(seed)
    config = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=256,
        tie_word_embeddings=True,
    )
    Qwen3ForCausalLM(config).save_pretrained(folder)
    (folder / "tokenizer.json").write_text("{}")
    return folder
