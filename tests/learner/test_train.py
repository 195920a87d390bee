"""The learner's loop over in-memory transports: what is trained, dropped, published and reported."""

from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from prometheus_client import generate_latest

from learner.policy import Policy
from tests.learner.synthetic import Call, random_group, records, sealed_group, sealed_rollout, write_policy
from tests.learner.world import Settings, World


async def test_training_publishes_reports_and_acknowledges(world: World, settings_of: Settings) -> None:
    await world.add(1, 2, 3, 4)
    policy = await world.train(settings_of(max_steps=2))

    assert await world.groups.backlog() == 0
    announced = await world.published()
    assert (announced.version, announced.step) == (2, 2)
    assert same(policy, Policy.load(Path(announced.path)))
    assert {path.name for path in Path(announced.path).iterdir()} >= {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    }

    first, second = world.reports[1], world.reports[2]
    assert (first.weight_version, second.weight_version) == (1, 2)
    assert world.verdicts() == ["trained"] * 4
    assert (first.tito_turns, first.tito_breaks) == (16, 0)
    assert first.metrics["reward_mean"] == 0.5
    assert second.metrics["staleness_max"] == 1.0
    assert first.metrics["sampled_tokens"] > 0
    assert (
        'podium_learner_groups_total{verdict="trained"} 4.0'
        in generate_latest(world.metrics.registry).decode()
    )


async def test_rewarded_tokens_become_likelier(world: World, settings_of: Settings) -> None:
    rollouts = []
    for token, reward in ((3, 1.0), (4, 0.0)):
        kept = records(
            [Call(f"call{token}", None, [1, 2], [token] * 3, logprobs=[-4.1] * 3)], f"{token:032x}"
        )
        await world.tokens.append(kept[0])
        rollouts.append(sealed_rollout(kept, reward))
    for number in range(1, 9):
        await world.groups.append(sealed_group(rollouts, number))
    settings = settings_of(max_steps=8, groups_per_step=1, max_staleness=8, epsilon_high=5.0)
    before, after = Policy.load(settings.policy), await world.train(settings)
    gains = _next_logprobs(after) - _next_logprobs(before)
    assert gains[3] > 0 > gains[4]


@torch.no_grad()
def _next_logprobs(policy: Policy) -> torch.Tensor:
    """Log-probs of what follows the prompt 1, 2."""
    logits: torch.Tensor = policy.model(torch.tensor([[1, 2]])).logits
    return logits[0, -1].log_softmax(-1)


async def test_weights_go_out_every_few_steps_and_at_the_end(world: World, settings_of: Settings) -> None:
    await world.add(1, 2, 3, 4, 5)
    await world.train(settings_of(max_steps=5, groups_per_step=1, steps_per_version=2))
    assert [world.reports[step].weight_version for step in range(1, 6)] == [0, 1, 1, 2, 3]
    assert (await world.published()).step == 5


async def test_old_versions_are_removed(world: World, settings_of: Settings) -> None:
    await world.add(1, 2, 3, 4)
    settings = settings_of(max_steps=4, groups_per_step=1, max_staleness=9, keep_versions=2)
    await world.train(settings)
    assert sorted(path.name for path in settings.weights_dir.iterdir()) == ["3", "4"]
    assert len([path for path in settings.checkpoint_dir.iterdir() if path.is_dir()]) == 2


async def test_stale_groups_are_dropped_and_said(world: World, settings_of: Settings) -> None:
    """Trained version less oldest sampled version may be max_staleness, and no more."""
    await world.add(1, 2, 3)
    await world.train(settings_of(max_steps=3, groups_per_step=1, max_staleness=1))
    assert world.verdicts() == ["trained", "trained", "stale"]
    assert world.reports[3].groups[0].staleness == 2
    assert "loss" not in world.reports[3].metrics


async def test_staleness_is_judged_by_the_tokens_too(world: World, settings_of: Settings) -> None:
    """A group that was sealed with newer versions than its tokens have is still too old."""
    await world.add(1, 2)
    old = await random_group(world.tokens, np.random.default_rng(3), number=3)
    await world.groups.append(
        sealed_group([replace(rollout, oldest_version=2) for rollout in old.rollouts], 3)
    )
    await world.train(settings_of(max_steps=3, groups_per_step=1, max_staleness=1))
    assert world.verdicts() == ["trained", "trained", "stale"]


async def test_the_oldest_groups_come_first(world: World, settings_of: Settings) -> None:
    await world.add(5, version=2)
    await world.add(4, version=1)
    await world.add(3, 2, version=0)
    await world.train(settings_of(max_steps=4, groups_per_step=1, max_staleness=9))
    assert trained(world) == [[2], [3], [4], [5]]


async def test_groups_with_lost_records_are_said_to_be_lost(world: World, settings_of: Settings) -> None:
    half, most = await world.add(1, 2)
    for rollout in (*half.rollouts[:2], most.rollouts[0]):
        await world.tokens.discard(rollout.rollout_id, 1)
    await world.train(settings_of(max_steps=1))
    assert world.verdicts() == ["lost", "trained"]
    assert world.reports[1].metrics["rollouts_lost"] == 3


async def test_groups_without_variance_change_nothing(world: World, settings_of: Settings) -> None:
    group = await random_group(world.tokens, np.random.default_rng(1), number=1)
    await world.groups.append(sealed_group([replace(rollout, reward=1.0) for rollout in group.rollouts], 1))
    settings = settings_of(max_steps=1, groups_per_step=1)
    after = await world.train(settings)
    assert world.verdicts() == ["no_variance"]
    assert same(after, Policy.load(settings.policy))


async def test_duplicate_deliveries_are_trained_once(
    world: World, settings_of: Settings, tmp_path: Path
) -> None:
    first = await world.add(1, 2)
    for group in first:
        await world.groups.append(group)
    await world.add(3, 4)
    repeated = await world.train(settings_of(max_steps=2))
    assert trained(world) == [[1, 2], [3, 4]]

    once = World()
    await once.add(1, 2, 3, 4)
    folders = {"checkpoint_dir": tmp_path / "once" / "c", "weights_dir": tmp_path / "once" / "w"}
    assert same(repeated, await once.train(settings_of(max_steps=2, **folders)))

    await world.groups.append(first[0])
    await world.add(5, 6)
    await world.train(settings_of(max_steps=3))
    assert trained(world)[2] == [5, 6], "a restart remembers too"
    assert await world.groups.backlog() == 0


def trained(world: World) -> list[list[int]]:
    """Numbers of the groups that each step consumed."""
    return [
        [int(group.group_id, 16) for group in world.reports[step].groups] for step in sorted(world.reports)
    ]


def same(policy: Policy, other: Policy) -> bool:
    """Whether all parameters are bitwise equal."""
    parameters = other.model.state_dict()
    return all(tensor.equal(parameters[name]) for name, tensor in policy.model.state_dict().items())


async def test_a_repeat_weighs_as_if_it_were_there_twice(settings_of: Settings, tmp_path: Path) -> None:
    """The loss is the mean over all tokens and repeats; the baseline counts each rollout once."""
    losses = []
    for repeats in (1, 2):
        world = World()
        (group,) = await world.add(1)
        first, *rest = group.rollouts
        await world.groups.append(sealed_group([replace(first, repeats=repeats), *rest], 2))
        folder = tmp_path / str(repeats)
        folders = {"checkpoint_dir": folder / "c", "weights_dir": folder / "w"}
        await world.train(settings_of(max_steps=2, groups_per_step=1, epsilon_high=1e9, **folders))
        losses.append(world.reports[2].metrics["grad_norm"])
    assert losses[0] != losses[1]


@pytest.mark.parametrize("loss", ["direct", "grpo_icepop", "ppo_clip"])
async def test_every_loss_trains(world: World, settings_of: Settings, loss: str) -> None:
    await world.add(1, 2)
    await world.train(settings_of(max_steps=1, loss=loss))
    assert world.reports[1].metrics["grad_norm"] > 0


async def test_distillation_needs_no_reward(world: World, settings_of: Settings, tmp_path: Path) -> None:
    group = await random_group(world.tokens, np.random.default_rng(1), number=1)
    await world.groups.append(sealed_group(group.rollouts[:1], 1))
    teacher = write_policy(tmp_path / "teacher", seed=7)
    await world.train(settings_of(max_steps=1, groups_per_step=1, loss="distillation", teacher=teacher))
    assert world.verdicts() == ["trained"]
    assert world.reports[1].metrics["grad_norm"] > 0
