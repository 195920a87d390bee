"""Announcements of published weights: from the learner to the orchestrator's engine fleet."""

from services.transport.weight_channel.memory import MemoryWeightChannel
from services.transport.weight_channel.port import WeightChannel
from services.transport.weight_channel.valkey import RedisWeightChannel

__all__ = ["MemoryWeightChannel", "RedisWeightChannel", "WeightChannel"]
