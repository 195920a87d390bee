"""Token records of a rollout become samples: one for each chain of calls from its root to a leaf.

Only sampled tokens carry the loss, and a sampled turn that several leaves share carries it in one of
them. Before anything is trained, the ids of each call are proved to be the ids its engine was sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.contracts.sealed_group import SealedRollout
from services.contracts.token_record import Ids, LogProbs, TokenRecord, ids_digest, records_digest

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]
Versions = NDArray[np.int32]

_NO_VERSION = -1


class LostRecords(Exception):
    """Token records of a rollout are missing, damaged, or do not fit together."""


@dataclass(frozen=True)
class Sample:
    """One chain of calls. All arrays are [n]; log-probs, temperatures and versions count under the mask."""

    rollout_id: str
    token_ids: Ids
    loss_mask: Mask
    rollout_logprobs: LogProbs
    temperatures: Floats
    weight_versions: Versions

    def __len__(self) -> int:
        return len(self.token_ids)


@dataclass(frozen=True)
class RolloutSamples:
    """Samples of one rollout. `breaks` of its `turns` were sent to the engine as other ids than recorded."""

    samples: tuple[Sample, ...]
    turns: int
    breaks: int

    @property
    def oldest_version(self) -> int | None:
        versions = [int(s.weight_versions[s.loss_mask].min()) for s in self.samples]
        return min(versions, default=None)


def samples_of(rollout: SealedRollout, records: Sequence[TokenRecord], vocabulary: int) -> RolloutSamples:
    """Samples of a sealed rollout, in the order of their leaves.

    A chain with a call whose input digest is not that of its concatenated ids is refused and counted.
    Raises LostRecords if the records are not those that were sealed, or cannot be trained on.
    """
    calls = {record.header.call_id: record for record in _sealed(rollout, records, vocabulary)}
    sequences = _sequences(calls)
    broken = {call for call, record in calls.items() if _is_broken(record, sequences)}
    trained: set[str] = set()
    samples = []
    for leaf in _leaves(calls):
        chain = _chain(calls, leaf)
        fresh = {record.header.call_id for record in chain} - trained
        if broken.isdisjoint(record.header.call_id for record in chain):
            sample = _sample(rollout.rollout_id, chain, fresh)
            trained |= fresh
            if sample.loss_mask.any():
                samples.append(sample)
    return RolloutSamples(tuple(samples), turns=len(calls), breaks=len(broken))


def _sealed(rollout: SealedRollout, records: Sequence[TokenRecord], vocabulary: int) -> list[TokenRecord]:
    """The records that were there when the rollout was sealed; a call that came later is left out."""
    calls = sorted(records, key=lambda record: record.header.index)[: rollout.records]
    if len(calls) < rollout.records:
        raise LostRecords(f"{len(calls)} of {rollout.records} records are left")
    if records_digest([record.header for record in calls]) != rollout.digest:
        raise LostRecords("the records are not those that were sealed")
    for record in calls:
        _check(record, vocabulary)
    return calls


def _check(record: TokenRecord, vocabulary: int) -> None:
    call, arrays = record.header, record.arrays
    if arrays.digest() != call.digest:
        raise LostRecords(f"call {call.call_id} does not match its digest")
    try:
        record.checked()
    except ValueError as error:
        raise LostRecords(str(error)) from error
    ids = np.concatenate([arrays.prompt, arrays.sampled])
    if ids.size and (ids.min() < 0 or ids.max() >= vocabulary):
        raise LostRecords(f"call {call.call_id} has token ids outside 0 to {vocabulary - 1}")
    if call.parent is None and not call.prompt_tokens and call.sampled_tokens:
        raise LostRecords(f"call {call.call_id} was sampled from an empty prompt")
    if (_versions(record) == _NO_VERSION).any():
        raise LostRecords(f"call {call.call_id} has sampled tokens without a weight version")


def _sequences(calls: Mapping[str, TokenRecord]) -> dict[str, Ids]:
    """For each call all ids up to its last sampled one. Calls come in the order of their index."""
    sequences: dict[str, Ids] = {}
    for call_id, record in calls.items():
        parent = record.header.parent
        if parent is not None and parent not in sequences:
            raise LostRecords(f"call {call_id} extends {parent}, which is not among the calls before it")
        before = [] if parent is None else [sequences[parent]]
        sequences[call_id] = np.concatenate([*before, record.arrays.prompt, record.arrays.sampled])
    return sequences


def _is_broken(record: TokenRecord, sequences: Mapping[str, Ids]) -> bool:
    whole = sequences[record.header.call_id]
    sent = whole[: len(whole) - record.header.sampled_tokens]
    return ids_digest(sent) != record.arrays.input_digest


def _leaves(calls: Mapping[str, TokenRecord]) -> list[str]:
    parents = {record.header.parent for record in calls.values()}
    return [call_id for call_id in calls if call_id not in parents]


def _chain(calls: Mapping[str, TokenRecord], leaf: str) -> list[TokenRecord]:
    """Calls from the root to the leaf."""
    chain = []
    call: str | None = leaf
    while call is not None:
        chain.append(calls[call])
        call = calls[call].header.parent
    return chain[::-1]


def _sample(rollout_id: str, chain: Sequence[TokenRecord], trained: set[str]) -> Sample:
    """One sequence of a chain's calls; the loss falls on what was sampled in the calls of `trained`."""
    ids, mask, logprobs, temperatures, versions = [], [], [], [], []
    for record in chain:
        prompt, sampled = record.arrays.prompt, record.arrays.sampled
        both = len(prompt) + len(sampled)
        ids += [prompt, sampled]
        mask += [np.zeros(len(prompt), bool), np.full(len(sampled), record.header.call_id in trained)]
        logprobs += [np.zeros(len(prompt), np.float32), record.arrays.logprobs]
        temperatures.append(np.full(both, _temperature(record), np.float32))
        versions += [np.full(len(prompt), _NO_VERSION, np.int32), _versions(record)]
    return Sample(
        rollout_id,
        np.concatenate(ids),
        np.concatenate(mask),
        np.concatenate(logprobs),
        np.concatenate(temperatures),
        np.concatenate(versions),
    )


def _temperature(record: TokenRecord) -> float:
    """Greedy sampling (temperature 0) reports log-probs of temperature 1, as SGLang does."""
    return record.header.temperature or 1.0


def _versions(record: TokenRecord) -> Versions:
    """Weight version of each sampled token."""
    versions = np.full(record.header.sampled_tokens, _NO_VERSION, np.int32)
    for span in record.header.versions:
        versions[span.start : span.end] = span.version
    return versions
