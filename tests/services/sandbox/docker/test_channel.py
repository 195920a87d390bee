"""What is output and what is status, however the stream is cut."""

import pytest

from services.sandbox.docker.channel import AttachedChannel
from services.sandbox.docker.frames import Frames
from services.sandbox.output import FLOOD, BoundedOutput, Flooded


class Cut(Frames):
    """Frames that come as they were cut."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    async def read(self) -> bytes:
        return self.parts.pop(0) if self.parts else b""


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
async def test_statuses_are_found_in_every_cut(size: int) -> None:
    frames = Cut()
    channel = AttachedChannel(frames)
    stream = b"one\0two" + channel._mark + b"1 0\0three\0" + channel._mark + b"ended 7\0rest"
    frames.parts = [stream[at : at + size] for at in range(0, len(stream), size)]
    first, second, rest = (BoundedOutput(1000) for _ in range(3))
    assert await channel.status(first) == "1 0"
    assert await channel.status(second) == "ended 7"
    assert await channel.status(rest) is None
    assert (first.raw(), second.raw(), rest.raw()) == (b"one\0two", b"three\0", b"rest")


async def test_a_box_cannot_speak_without_the_word() -> None:
    frames = Cut()
    channel, sink = AttachedChannel(frames), BoundedOutput(1000)
    frames.parts = [b"\0guess 1 0\0", channel._mark + b"1 5\0"]
    assert await channel.status(sink) == "1 5"
    assert sink.raw() == b"\0guess 1 0\0"


async def test_a_flood_ends_the_reading() -> None:
    frames = Cut()
    channel = AttachedChannel(frames)
    frames.parts = [b"x" * (FLOOD // 4)] * 5
    with pytest.raises(Flooded):
        await channel.status(BoundedOutput(1000))
