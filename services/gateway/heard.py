"""What an agent says again in every call is read once: agents send their whole conversation each time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import xxhash

from services.gateway.fingerprint import Mark, mark
from services.rendering.message import Message

Read = Callable[[msgspec.Raw, int], Message]


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a request, and what tells it from others."""

    message: Message
    mark: Mark


class Heard:
    """The messages of the newest request of an attempt, by the digest of their bytes."""

    def __init__(self) -> None:
        self._said: dict[bytes, Said] = {}

    def listen(self, raws: Sequence[msgspec.Raw], read: Read) -> list[Said]:
        """The messages of a request; `read(raw, position)` reads those that the one before did not have."""
        newest: dict[bytes, Said] = {}
        said = []
        for position, raw in enumerate(raws):
            key = xxhash.xxh3_128_digest(raw)
            one = self._said.get(key) or newest.get(key)
            if one is None:
                message = read(raw, position)
                one = Said(message, mark(message))
            newest[key] = one
            said.append(one)
        self._said = newest
        return said
