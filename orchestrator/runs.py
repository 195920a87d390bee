"""Runs: what is trained into one policy. A store holds one, however often its orchestrator starts."""

import time
from typing import Any

from sqlalchemy import Connection, insert, select, update

from orchestrator.settings import OrchestratorSettings
from orchestrator.store.tables import runs
from services.contracts.words import Id, Word, new_id
from services.kit.failure import Missing

_TOLD = (
    "model_name",
    "seed",
    "group_size",
    "groups_per_step",
    "steps_per_version",
    "max_staleness",
    "share_policy",
    "share_unit",
    "over_sampling",
    "no_variance",
    "curriculum",
    "train_split",
    "update_mode",
    "temperature",
    "top_p",
    "top_k",
    "max_new_tokens",
)


class Run(Word):
    """A run as the record has it; `settings` are those of its last start that decide what is learned."""

    run_id: Id
    name: str
    started_at: float
    resumed_at: float
    starts: int
    settings: dict[str, Any]


def open_run(connection: Connection, settings: OrchestratorSettings) -> str:
    """Begin the store's run, or go on with it; returns its id."""
    told = {name: getattr(settings, name) for name in _TOLD}
    now, run_id = time.time(), connection.execute(select(runs.c.run_id)).scalar_one_or_none()
    if run_id is None:
        run_id = new_id()
        fresh = {"run_id": run_id, "name": settings.run_name, "started_at": now}
        connection.execute(insert(runs).values(**fresh, resumed_at=now, starts=1, settings=told))
    else:
        resumed = update(runs).where(runs.c.run_id == run_id)
        connection.execute(resumed.values(resumed_at=now, starts=runs.c.starts + 1, settings=told))
    return str(run_id)


def read_runs(connection: Connection) -> tuple[Run, ...]:
    return tuple(Run.model_validate(row._asdict()) for row in connection.execute(select(runs)))


def read_run(connection: Connection, run_id: str) -> Run:
    """Raises Missing."""
    row = connection.execute(select(runs).where(runs.c.run_id == run_id)).one_or_none()
    if row is None:
        raise Missing(f"no run {run_id}", field="run_id", value=run_id)
    return Run.model_validate(row._asdict())
