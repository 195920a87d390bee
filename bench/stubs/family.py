"""A task family that only takes time: every rollout lasts as long as its id says, and scores at random."""

import asyncio
import math
import random
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np

from bench.stubs.traffic import fraction
from environments.family import Play, Scored
from services.contracts.cause import Cause
from services.contracts.environment import Manifest, TaskCard, TaskRef
from services.contracts.token_record import CallHeader, TokenArrays, TokenRecord, VersionSpan
from services.contracts.words import new_id
from services.kit.access import Signer
from services.kit.failure import Failure, Missing
from services.transport.token_store import TokenStore

_TOKENS_PER_SECOND = 100


@dataclass(frozen=True)
class Pace:
    """Durations are lognormal: `median_s` seconds, with `sigma` of the logarithm, at most `longest_s`."""

    median_s: float
    sigma: float = 0.0
    longest_s: float = math.inf
    failure_rate: float = 0.0
    failure_cause: Cause = Cause.ENVIRONMENT

    def seconds(self, rollout_id: str) -> float:
        """The same for every attempt at a rollout: a retry does not make a long one short."""
        normal = NormalDist().inv_cdf(fraction(f"seconds:{rollout_id}"))
        return min(self.longest_s, self.median_s * math.exp(self.sigma * normal))


@dataclass
class StubFamily:
    """Implements `environments.family.Family` without agent, sandbox, verifier or gateway: it writes one
    token record by itself, as the gateway would."""

    manifest: Manifest
    pace: Pace
    store: TokenStore
    signer: Signer
    weight_version: int = 0
    _luck: random.Random = field(default_factory=random.Random)

    def card(self, task: TaskRef) -> TaskCard:
        if task.index >= self.manifest.splits.get(task.split, 0):
            raise Missing(f"no task {task.split}/{task.index}")
        return TaskCard(task=task, title=f"stub {task.index}", instruction="wait")

    async def run(self, play: Play) -> Scored:
        claims = self.signer.verify(play.model.api_key)
        assert claims.rollout_id is not None
        assert claims.attempt is not None
        seconds = self.pace.seconds(claims.rollout_id)
        await asyncio.sleep(seconds)
        if self._luck.random() < self.pace.failure_rate:
            raise Failure("bad luck", cause=self.pace.failure_cause)
        await self.store.append(_record(claims.rollout_id, claims.attempt, seconds, self.weight_version))
        reward = float(fraction(f"reward:{claims.rollout_id}") < 0.5)
        return Scored(Cause.COMPLETED, reward, {"luck": reward}, {"seconds": seconds})


def _record(rollout_id: str, attempt: int, seconds: float, version: int) -> TokenRecord:
    """One call whose number of sampled tokens stands for the time that the rollout took."""
    sampled = max(1, int(seconds * _TOKENS_PER_SECOND))
    prompt, ids = np.zeros(8, np.int32), np.ones(sampled, np.int32)
    arrays = TokenArrays.of(prompt, ids, np.zeros(sampled, np.float32), prompt)
    header = CallHeader(
        rollout_id=rollout_id,
        attempt=attempt,
        call_id=new_id(),
        index=0,
        branch=0,
        parent=None,
        prompt_tokens=len(prompt),
        sampled_tokens=sampled,
        versions=(VersionSpan(version, 0, sampled),),
        engine="stub",
        temperature=1.0,
        finish_reason="stop",
        messages=({"role": "user", "content": "wait"}, {"role": "assistant", "content": "waited"}),
        digest=arrays.digest(),
    )
    return TokenRecord(header, arrays)
