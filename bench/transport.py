"""Tokens per second from token record to tensor through a real server, beside raw bytes and JSON.

All three forms write with `appendfsync always`, a rollout's records in turn and several rollouts at
once, then read each rollout whole. The forms take turns within one run; medians are of whole rounds.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from redis.asyncio import Redis

from bench.table import table
from bench.valkey import ValkeyProcess
from services.contracts.token_record import CallHeader, TokenArrays, TokenRecord, VersionSpan
from services.contracts.words import new_id
from services.transport.connection import connect
from services.transport.token_store import RedisTokenStore

Tensors = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Load:
    """How much is written: `rollouts` at once, each of `calls` records of `tokens` tokens."""

    rollouts: int
    calls: int
    tokens: int

    @property
    def total_tokens(self) -> int:
        return self.rollouts * self.calls * self.tokens


@dataclass(frozen=True)
class Form:
    """One way to store a record and to get the tensors of a rollout's records back."""

    name: str
    write: Callable[[TokenRecord], Awaitable[None]]
    read: Callable[[str], Awaitable[list[Tensors]]]


def main(argv: list[str]) -> None:
    """Print the table and, last, one JSON line."""
    parser = argparse.ArgumentParser(prog="python -m bench transport", description=__doc__)
    parser.add_argument("--rollouts", type=int, default=16, help="rollouts that write at once")
    parser.add_argument("--calls", type=int, default=8, help="records of each rollout")
    parser.add_argument("--tokens", type=int, default=4000, help="tokens of a record, half of them sampled")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(argv)
    load = Load(options.rollouts, options.calls, options.tokens)
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder, ValkeyProcess(Path(folder)) as server:
        rates = asyncio.run(measure(server.url, load, options.rounds))
    report(load, rates)


async def measure(url: str, load: Load, rounds: int) -> dict[str, list[float]]:
    """Tokens per second of every round of every form; the first round warms up and is left out."""
    redis = connect(url)
    forms = (record_form(redis), raw_form(redis), json_form(redis))
    rates: dict[str, list[float]] = {form.name: [] for form in forms}
    for number in range(rounds + 1):
        for form in forms:
            seconds = await one_round(form, load)
            if number > 0:
                rates[form.name].append(load.total_tokens / seconds)
            await redis.flushall()
    await redis.aclose()
    return rates


async def one_round(form: Form, load: Load) -> float:
    """Seconds from records to the tensors of all rollouts."""
    ids = [new_id() for _ in range(load.rollouts)]
    rollouts = [[record_of(each, load.tokens, index) for index in range(load.calls)] for each in ids]

    async def carry(records: list[TokenRecord]) -> None:
        for record in records:
            await form.write(record)
        tensors = await form.read(records[0].header.rollout_id)
        assert sum(len(prompt) + len(sampled) for prompt, sampled, _ in tensors) == load.calls * load.tokens

    started = time.perf_counter()
    await asyncio.gather(*(carry(records) for records in rollouts))
    return time.perf_counter() - started


def record_form(redis: Redis) -> Form:
    """The product: records with headers and digests, kept once per call, expiring."""
    store = RedisTokenStore(redis)

    async def read(rollout_id: str) -> list[Tensors]:
        return [tensors_of(record.arrays) for record in await store.records(rollout_id, 1)]

    return Form("token records", store.append, read)


def raw_form(redis: Redis) -> Form:
    """As little as possible: the same array bytes in a list, and nothing else."""
    raw: Any = redis

    async def write(record: TokenRecord) -> None:
        arrays = record.arrays
        await raw.rpush(
            record.header.rollout_id, arrays.prompt_ids + arrays.sampled_ids + arrays.rollout_logprobs
        )

    async def read(rollout_id: str) -> list[Tensors]:
        return [thirds(part) for part in await raw.lrange(rollout_id, 0, -1)]

    return Form("raw bytes", write, read)


def json_form(redis: Redis) -> Form:
    """What most frameworks do: lists of numbers as JSON text."""
    raw: Any = redis

    async def write(record: TokenRecord) -> None:
        arrays = record.arrays
        lists = (arrays.prompt.tolist(), arrays.sampled.tolist(), arrays.logprobs.tolist())
        await raw.rpush(record.header.rollout_id, json.dumps(lists))

    async def read(rollout_id: str) -> list[Tensors]:
        texts = [json.loads(part) for part in await raw.lrange(rollout_id, 0, -1)]
        return [
            (
                torch.tensor(prompt, dtype=torch.int32),
                torch.tensor(sampled, dtype=torch.int32),
                torch.tensor(logprobs),
            )
            for prompt, sampled, logprobs in texts
        ]

    return Form("JSON lists", write, read)


def tensors_of(arrays: TokenArrays) -> Tensors:
    """Tensors of a record's arrays, copied because what Redis sent is read-only."""
    return (
        torch.from_numpy(arrays.prompt.copy()),
        torch.from_numpy(arrays.sampled.copy()),
        torch.from_numpy(arrays.logprobs.copy()),
    )


def thirds(part: bytes) -> Tensors:
    """Tensors of raw bytes that hold three arrays of one length."""
    ids = np.frombuffer(part, "<i4").copy()
    third = len(ids) // 3
    logprobs = ids[2 * third :].view(np.float32)
    return torch.from_numpy(ids[:third]), torch.from_numpy(ids[third : 2 * third]), torch.from_numpy(logprobs)


def record_of(rollout_id: str, tokens: int, index: int) -> TokenRecord:
    """A call with random ids, half prompt and half sampled."""
    rng = np.random.default_rng(index)
    prompt, sampled = rng.integers(0, 150_000, (2, tokens // 2), dtype=np.int32)
    logprobs = -rng.random(tokens // 2, dtype=np.float32)
    arrays = TokenArrays.of(prompt, sampled, logprobs, prompt)
    header = CallHeader(
        rollout_id=rollout_id,
        attempt=1,
        call_id=new_id(),
        index=index,
        branch=0,
        parent=None,
        prompt_tokens=len(prompt),
        sampled_tokens=len(sampled),
        versions=(VersionSpan(3, 0, len(sampled)),),
        engine="http://127.0.0.1:30000",
        temperature=1.0,
        finish_reason="stop",
        messages=({"role": "tool", "content": "a.txt  b.txt"}, {"role": "assistant", "content": "cat a.txt"}),
        digest=arrays.digest(),
    )
    return TokenRecord(header, arrays)


def report(load: Load, rates: dict[str, list[float]]) -> None:
    """The table of medians with their spread, then the JSON line."""
    medians = {name: statistics.median(values) for name, values in rates.items()}
    title = f"{load.rollouts} rollouts at once, {load.calls} records each, {load.tokens} tokens a record"
    rows = [
        (name, *(f"{number / 1e6:.2f}" for number in (medians[name], min(values), max(values))))
        for name, values in rates.items()
    ]
    print(f"M tokens/s from record to tensor: {title}\n")
    print(table(("form", "median", "slowest round", "fastest round"), rows))
    ratios = {other: ratio_of(rates, other) for other in ("raw bytes", "JSON lists")}
    figures = {
        "ratio_raw": round(ratios["raw bytes"], 3),
        "ratio_json": round(ratios["JSON lists"], 3),
        "tokens_per_s": round(medians["token records"]),
    }
    print(json.dumps(figures))


def ratio_of(rates: dict[str, list[float]], other: str) -> float:
    """Median of the rounds' ratios: rounds stand beside each other, so a busy machine slows both."""
    return statistics.median(
        ours / theirs for ours, theirs in zip(rates["token records"], rates[other], strict=True)
    )
