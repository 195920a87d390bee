"""Weight announcements in Redis: one key, replaced only by a newer version."""

from typing import Any

import msgspec
from redis.asyncio import Redis

from services.contracts.weights import WeightAnnouncement

KEY = "podium:weights"

_REPLACE_IF_NEWER = """
local current = redis.call('HGET', KEYS[1], 'version')
if current and tonumber(current) > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'announcement', ARGV[2])
return 1
"""

_decoder = msgspec.msgpack.Decoder(WeightAnnouncement)


class RedisWeightChannel:
    """A hash with the newest version and its announcement, compared and set in one step."""

    def __init__(self, redis: Redis, key: str = KEY) -> None:
        self._redis: Any = redis  # redis-py types replies for both of its decoding modes
        self._key = key

    async def announce(self, announcement: WeightAnnouncement) -> None:
        raw = msgspec.msgpack.encode(announcement)
        await self._redis.eval(_REPLACE_IF_NEWER, 1, self._key, str(announcement.version), raw)

    async def latest(self) -> WeightAnnouncement | None:
        raw = await self._redis.hget(self._key, "announcement")
        return None if raw is None else _decoder.decode(raw)
