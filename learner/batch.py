"""What a step trains on: groups judged, and the samples of those that are worth training.

A group is dropped if it is too stale, if half of it or more is lost, or if all its rewards are equal.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from learner.advantages import ScoredSample, group_advantages, has_variance
from learner.samples import LostRecords, RolloutSamples, samples_of
from services.contracts.sealed_group import SealedGroup, SealedRollout
from services.contracts.step import GroupVerdict
from services.transport.token_store import TokenStore
from services.transport.token_store.port import DamagedRecord

Fetched = Mapping[str, RolloutSamples | LostRecords]
"""By rollout id."""

Verdict = Literal["trained", "stale", "lost", "no_variance"]


@dataclass(frozen=True)
class Rules:
    """When a group is trained. `teacher`: the rewards do not count, so they need not differ."""

    max_staleness: int
    normalise_std: bool = False
    teacher: bool = False


@dataclass(frozen=True)
class JudgedGroup:
    """A group with its verdict, and the samples that are trained if the verdict is so."""

    group: SealedGroup
    verdict: GroupVerdict
    fetched: Fetched
    samples: tuple[ScoredSample, ...] = ()


@dataclass(frozen=True)
class Batch:
    """The groups of one step, oldest first."""

    weight_version: int
    groups: tuple[JudgedGroup, ...]

    @property
    def samples(self) -> list[ScoredSample]:
        return [scored for judged in self.groups for scored in judged.samples]

    @property
    def verdicts(self) -> tuple[GroupVerdict, ...]:
        return tuple(judged.verdict for judged in self.groups)

    @property
    def reward_mean(self) -> float:
        rewards = [rollout.reward for judged in self.groups for rollout in judged.group.rollouts]
        return sum(rewards) / len(rewards)

    @property
    def staleness(self) -> tuple[float, int]:
        """Mean and maximum over the trained tokens: the trained version less the sampled one."""
        versions = [s.sample.weight_versions[s.sample.loss_mask] for s in self.samples]
        if not versions:
            return 0.0, 0
        ages = self.weight_version - np.concatenate(versions)
        return float(ages.mean()), int(ages.max())

    @property
    def rollouts_lost(self) -> int:
        return sum(
            isinstance(found, LostRecords) for judged in self.groups for found in judged.fetched.values()
        )

    @property
    def turns(self) -> int:
        return sum(found.turns for found in self._found())

    @property
    def breaks(self) -> int:
        return sum(found.breaks for found in self._found())

    def _found(self) -> list[RolloutSamples]:
        found = [samples for judged in self.groups for samples in judged.fetched.values()]
        return [samples for samples in found if isinstance(samples, RolloutSamples)]


async def assemble(
    store: TokenStore, groups: Sequence[SealedGroup], weight_version: int, rules: Rules, vocabulary: int
) -> Batch:
    """Judge each group; token records are fetched only for those that are fresh enough."""
    judged = []
    for group in groups:
        fresh = weight_version - group.oldest_version <= rules.max_staleness
        fetched = await fetch(store, group, vocabulary) if fresh else {}
        judged.append(judge(group, fetched, weight_version, rules))
    return Batch(weight_version, tuple(judged))


async def fetch(store: TokenStore, group: SealedGroup, vocabulary: int) -> Fetched:
    """Samples of each rollout, or why there are none."""

    async def one(rollout: SealedRollout) -> RolloutSamples | LostRecords:
        try:
            records = await store.records(rollout.rollout_id, rollout.attempt)
            return samples_of(rollout, records, vocabulary)
        except DamagedRecord as error:
            return LostRecords(str(error))
        except LostRecords as error:
            return error

    found = await asyncio.gather(*(one(rollout) for rollout in group.rollouts))
    return {rollout.rollout_id: result for rollout, result in zip(group.rollouts, found, strict=True)}


def judge(group: SealedGroup, fetched: Fetched, weight_version: int, rules: Rules) -> JudgedGroup:
    """The verdict on a group. Staleness is judged by what was sealed and by the tokens themselves."""
    usable = [(rollout, found) for rollout in group.rollouts if (found := _usable(fetched, rollout))]
    versions = [found.oldest_version for _, found in usable]
    oldest = min([group.oldest_version, *(version for version in versions if version is not None)])
    staleness = weight_version - oldest

    def verdict(word: Verdict, samples: Sequence[ScoredSample] = ()) -> JudgedGroup:
        said = GroupVerdict(group_id=group.group_id, verdict=word, staleness=staleness)
        return JudgedGroup(group, said, fetched, tuple(samples))

    if staleness > rules.max_staleness:
        return verdict("stale")
    if 2 * _count(rollout for rollout, _ in usable) <= _count(group.rollouts):
        return verdict("lost")
    if not rules.teacher and not has_variance([rollout.reward for rollout, _ in usable]):
        return verdict("no_variance")
    return verdict("trained", _scored(usable, rules))


def _usable(fetched: Fetched, rollout: SealedRollout) -> RolloutSamples | None:
    """None if the rollout is lost, or if token-in-token-out broke in all of its samples."""
    found = fetched.get(rollout.rollout_id)
    if not isinstance(found, RolloutSamples) or (found.breaks and not found.samples):
        return None
    return found


def _count(rollouts: Iterable[SealedRollout]) -> int:
    return sum(rollout.repeats for rollout in rollouts)


def _scored(usable: Sequence[tuple[SealedRollout, RolloutSamples]], rules: Rules) -> list[ScoredSample]:
    rewards = [rollout.reward for rollout, _ in usable]
    advantages = group_advantages(rewards, normalise_std=rules.normalise_std)
    return [
        ScoredSample(sample, advantage, float(rollout.repeats))
        for (rollout, found), advantage in zip(usable, advantages, strict=True)
        for sample in found.samples
    ]
