"""The contract of the weight channel, over memory and Redis."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.contracts.weights import WeightAnnouncement
from services.transport.weight_channel import WeightChannel


def announcement(version: int) -> WeightAnnouncement:
    return WeightAnnouncement(version, f"weights/{version}", version * 4, "d", 1.5)


async def test_nothing_before_the_first(channel: WeightChannel) -> None:
    assert await channel.latest() is None


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=st.lists(st.integers(0, 1000), min_size=1, max_size=8))
async def test_the_newest_stays_in_any_order(channel: WeightChannel, versions: list[int]) -> None:
    before = await channel.latest()
    for version in versions:
        await channel.announce(announcement(version))
    newest = max([*versions, *([] if before is None else [before.version])])
    assert await channel.latest() == announcement(newest)
