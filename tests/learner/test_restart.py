"""What a restarted learner does again, and what stops it."""

import shutil

import pytest

from services.contracts.weights import WeightAnnouncement
from services.kit.failure import Conflict, Missing
from services.transport.weight_channel import MemoryWeightChannel
from tests.learner.world import Settings, World


async def test_reports_are_sent_until_they_are_taken(world: World, settings_of: Settings) -> None:
    world.answers = [503, 401]
    await world.add(1, 2)
    await world.train(settings_of(max_steps=1))
    assert list(world.reports) == [1]


async def test_a_restart_reports_what_was_not_confirmed(world: World, settings_of: Settings) -> None:
    world.answers = [503] * 99
    await world.add(1, 2)
    await world.train(settings_of(max_steps=1))
    assert not world.reports
    world.answers = []
    await world.train(settings_of(max_steps=1))
    assert list(world.reports) == [1]


async def test_a_restart_announces_the_newest_weights_again(world: World, settings_of: Settings) -> None:
    await world.add(1, 2, 3)
    settings = settings_of(max_steps=2, groups_per_step=1)
    await world.train(settings)
    announced = await world.published()
    world.weights = MemoryWeightChannel()
    await world.train(settings)
    again = await world.published()
    assert (again.version, again.path, again.digest) == (2, announced.path, announced.digest)
    await world.train(settings_of(max_steps=3, groups_per_step=1))
    assert (await world.published()).version == 3


async def test_weights_of_another_run_are_not_announced(world: World, settings_of: Settings) -> None:
    await world.add(1, 2)
    await world.train(settings_of(max_steps=1, learning_rate=1e-2))
    world.weights = MemoryWeightChannel()
    for folder in (settings_of().checkpoint_dir).glob("step-*"):
        folder.rename(folder.with_suffix(".away"))
    await world.add(3, 4)
    with pytest.RaisesGroup(pytest.RaisesExc(Conflict, match="other weights")):
        await world.train(settings_of(max_steps=1))


async def test_a_newer_announcement_than_ours_stops_the_learner(world: World, settings_of: Settings) -> None:
    await world.weights.announce(WeightAnnouncement(3, "elsewhere", 3, "", 0.0))
    with pytest.RaisesGroup(pytest.RaisesExc(Conflict, match="weights 3 were announced")):
        await world.train(settings_of(max_steps=1))


async def test_weights_that_are_gone_stop_the_learner(world: World, settings_of: Settings) -> None:
    """Unless the last checkpoint is theirs: then they are written again."""
    await world.add(1, 2, 3)
    settings = settings_of(groups_per_step=1, steps_per_version=2, max_staleness=9)
    await world.train_until(settings, step=2)
    shutil.rmtree(settings.weights_dir / "1", ignore_errors=True)
    await world.train_until(settings, step=3)
    assert (settings.weights_dir / "1").exists()
    shutil.rmtree(settings.weights_dir / "1")
    with pytest.RaisesGroup(pytest.RaisesExc(Missing, match="version 1 are gone")):
        await world.train(settings)
