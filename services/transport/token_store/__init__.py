"""Token records by rollout and attempt: written by the gateway, read by the learner."""

from services.transport.token_store.memory import MemoryTokenStore
from services.transport.token_store.port import DamagedRecord, TokenStore
from services.transport.token_store.valkey import RedisTokenStore

__all__ = ["DamagedRecord", "MemoryTokenStore", "RedisTokenStore", "TokenStore"]
