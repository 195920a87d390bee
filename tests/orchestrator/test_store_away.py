"""PostgreSQL dies and comes back: admissions are refused, rollouts go on, and nothing is lost or guessed."""

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select

from bench.postgres import PostgresProcess
from orchestrator.store import Store
from orchestrator.store.tables import engines
from services.contracts.environment import RolloutRequest
from services.contracts.outcome import Outcome
from services.kit.failure import Unavailable
from tests.orchestrator.conftest import Start
from tests.orchestrator.scripted import ScriptedEnvironment, completed, environment, keep_record, until

_AWAY_S = float(os.environ.get("PODIUM_TEST_AWAY_S", "2.5"))


async def test_rollouts_outlive_the_store(start: Start, own_postgres: PostgresProcess) -> None:
    """Away for longer than a lease: heartbeats count all the same, and outcomes wait."""
    reported = asyncio.Event()

    async def behaviour(request: RolloutRequest) -> Outcome:
        await reported.wait()
        await keep_record(running.tokens, request.rollout_id, request.attempt)
        return completed(request)

    async with (
        start(
            store_url=own_postgres.url(), max_staleness=0, lease_s=1.0, rollout_deadline_s=_AWAY_S + 20
        ) as running,
        environment(ScriptedEnvironment(behaviour), running.client) as scripted,
    ):
        await until(lambda: len(scripted.requests) == 4)
        await asyncio.to_thread(own_postgres.stop)
        body = {"environment": "scripted", "rollouts": 1}
        refused = await running.client.post("/v1/evaluations", json=body)
        reported.set()
        await asyncio.sleep(_AWAY_S)
        assert len(scripted.running) == 4  # they ended, and report until they are heard
        alive = await running.client.get("/healthz")
        await asyncio.to_thread(own_postgres.start)
        await until(lambda: running.parts.overview.progress().rollouts.sealed == 4)
        accepted = await running.client.post("/v1/evaluations", json=body)
        await until(lambda: running.parts.overview.progress().rollouts.sealed == 5)
        progress = await running.progress()
    assert (refused.status_code, alive.status_code, accepted.status_code) == (503, 200, 202)
    assert refused.json()["remedy"] == "try again later"
    assert refused.headers["retry-after"] == "2"
    assert {request.attempt for request in scripted.requests} == {1}
    assert progress["rollouts"]["failed_by_cause"] == {}
    assert progress["rollouts"]["retried_by_cause"] == {}
    assert progress["conservation_error"] == 0
    assert len(await running.stream.group_ids()) == 2


@pytest.mark.parametrize("happened", [True, False])
async def test_a_commit_that_nobody_answered_is_told_as_it_was(
    own_postgres: PostgresProcess, happened: bool
) -> None:
    """The server dies around the commit; when it is back its record decides, and nothing runs twice."""
    told: list[str] = []
    async with Store(own_postgres.url()) as store:
        await store.write(lambda connection: _add(connection, "before"), told.append)
        dialect: Any = store._engine.dialect
        dialect.do_commit = _dying_at(dialect.do_commit, own_postgres, happened)
        doubtful = asyncio.create_task(
            store.write(lambda connection: _add(connection, "doubtful"), told.append)
        )
        await asyncio.sleep(1.0)
        with pytest.raises(Unavailable):
            await store.write(lambda connection: _add(connection, "refused"), told.append)
        assert not doubtful.done()
        await asyncio.to_thread(own_postgres.start)
        if happened:
            assert await doubtful == "doubtful"
        else:
            with pytest.raises(Unavailable):
                await doubtful
        await store.write(lambda connection: _add(connection, "after"), told.append)
        number = await store.read(
            lambda connection: connection.execute(select(func.count()).select_from(engines)).scalar_one()
        )
    assert told == ["before", *(["doubtful"] if happened else []), "after"]
    assert number == len(told)


def _dying_at(
    commit: Callable[[Any], None], server: PostgresProcess, happened: bool
) -> Callable[[Any], None]:
    """The first commit during which the server dies, after it has done it or before."""
    left = [True]

    def dying(connection: Any) -> None:
        first = left and left.pop()
        if first and not happened:
            server.stop()
        commit(connection)
        if first:
            server.stop()
            connection.execute("SELECT 1")

    return dying


def _add(connection: Connection, url: str) -> str:
    connection.execute(insert(engines).values(url=url, added_at=0.0))
    return url
