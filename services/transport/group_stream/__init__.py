"""Sealed groups on their way to the learner: appended by the orchestrator, delivered at least once."""

from services.transport.group_stream.memory import MemoryGroupStream
from services.transport.group_stream.port import Delivery, GroupStream
from services.transport.group_stream.valkey import RedisGroupStream

__all__ = ["Delivery", "GroupStream", "MemoryGroupStream", "RedisGroupStream"]
