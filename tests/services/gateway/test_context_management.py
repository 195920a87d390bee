"""Context management, on ids: each rewrite is a branch, and a turn that branches share is trained once."""

from collections import Counter
from typing import Any

import pytest

from environments.agent import Agent, Prompt
from environments.chat import Chat
from environments.context import ContextManagement, DiscardAll, Hierarchical, KeepRecent
from environments.family import Progress
from environments.metrics import EnvironmentMetrics
from environments.search.rules import Rules
from learner.samples import RolloutSamples, samples_of
from services.contracts.environment import ModelAccess
from services.contracts.token_record import TokenRecord
from services.kit.http import http_client
from tests.learner.synthetic import sealed_rollout
from tests.services.gateway.scene import BASH, Scene, sequences

ROUNDS = 5
CALL = '<tool_call>\n{"name": "bash", "arguments": {"command": "ls -la"}}\n</tool_call>'


class Tools:
    """Answers each call differently."""

    def __init__(self) -> None:
        self.schemas = [BASH]
        self.calls = 0

    async def call(self, name: str, arguments: str) -> str:
        self.calls += 1
        return f"hello {'world ' * self.calls}"


async def played(scene: Scene, context: ContextManagement) -> tuple[list[TokenRecord], RolloutSamples, int]:
    """Records and samples of a rollout of some rounds, and how often its history was rewritten."""
    scene.engine.texts = [f"{'run ' * turn}{CALL}" for turn in range(ROUNDS)] + ["done"]
    access = ModelAccess(base_url=f"{scene.url}/v1", api_key=scene.key(), name="policy")
    async with http_client() as client:
        tools, prompt = Tools(), Prompt("run the command", "")
        agent = Agent(
            Chat(client, access, tools.schemas),
            tools,
            prompt,
            Rules(),
            Progress(),
            EnvironmentMetrics(),
            context,
        )
        ending = await agent.solve("hello", agent.progress.started + 60)
    records = await scene.records()
    vocabulary = scene.renderer.vocabulary_size
    return records, samples_of(sealed_rollout(records), records, vocabulary), ending.rewrites


def trained(found: RolloutSamples) -> Counter[Any]:
    return Counter(token for one in found.samples for token in one.token_ids[one.loss_mask].tolist())


@pytest.mark.parametrize(
    ("context", "rewrites", "shared"),
    [
        # After round k + 1 the first observation folds: what stands before it are the first call's ids.
        (KeepRecent(k=3), 2, 1),
        (DiscardAll(limit_tokens=620), 1, 0),
        (Hierarchical(KeepRecent(k=2), DiscardAll(limit_tokens=10_000)), 3, 1),
    ],
    ids=["keep_recent", "discard_all", "hierarchical"],
)
async def test_each_rewrite_is_a_branch_and_shared_turns_are_trained_once(
    scene: Scene, context: ContextManagement, rewrites: int, shared: int
) -> None:
    records, found, rewritten = await played(scene, context)
    assert rewritten == rewrites
    assert len({record.header.branch for record in records}) == 1 + rewrites == len(found.samples)
    sequences(records)  # what the engine was sent is what is recorded
    sampled = Counter(token for record in records for token in record.arrays.sampled.tolist())
    assert (trained(found), found.breaks) == (sampled, 0)
    first, second = found.samples[:2]
    turns = [record.arrays for record in records[:shared]]
    prefix = [token for turn in turns for token in (*turn.prompt.tolist(), *turn.sampled.tolist())]
    assert first.token_ids[: len(prefix)].tolist() == second.token_ids[: len(prefix)].tolist() == prefix
    assert not second.loss_mask[: len(prefix)].any()
    assert first.loss_mask[: len(prefix)].sum() == sum(len(turn.sampled) for turn in turns)


async def test_without_context_management_there_is_one_branch(scene: Scene) -> None:
    records, found, rewritten = await played(scene, KeepRecent(k=ROUNDS))
    assert (len(records), rewritten, len(found.samples)) == (ROUNDS + 1, 0, 1)
