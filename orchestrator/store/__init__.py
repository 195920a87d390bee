"""The record: tables, migrations, and one writer that commits many changes at once."""

from orchestrator.store.store import Store

__all__ = ["Store"]
