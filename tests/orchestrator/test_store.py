"""The store: durable before it answers, one bad change hurts no other, migrations go up and down."""

import asyncio
from functools import partial
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, func, insert, inspect, select, text

from orchestrator.store import Store
from orchestrator.store.database import migrate, open_database
from orchestrator.store.tables import engines, metadata
from services.kit.failure import Unavailable

STORES = ("sqlite", "postgresql")


def add(connection: Connection, url: str) -> str:
    connection.execute(insert(engines).values(url=url, added_at=0.0))
    return url


def number(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(engines)).scalar_one()


async def test_many_changes_share_a_commit_and_are_told_in_order(store_url: str) -> None:
    commits: list[int] = []
    told: list[str] = []
    async with Store(store_url, lambda _, changes: commits.append(changes)) as store:
        urls = [f"http://e{i}" for i in range(200)]
        await asyncio.gather(*(store.write(partial(add, url=url), told.append) for url in urls))
        assert told == urls
        assert sum(commits) == 200
        assert len(commits) < 50
        assert await store.read(number) == 200


async def test_a_change_that_fails_is_undone_alone(store_url: str) -> None:
    def broken(connection: Connection) -> None:
        add(connection, "half done")
        raise ValueError("no")

    async with Store(store_url) as store:
        results = await asyncio.gather(
            store.write(lambda c: add(c, "a")),
            store.write(broken),
            store.write(lambda c: add(c, "a")),
            store.write(lambda c: add(c, "b")),
            return_exceptions=True,
        )
        assert results[0] == "a"
        assert isinstance(results[1], ValueError)
        assert isinstance(results[2], Unavailable)
        assert results[3] == "b"
        assert await store.read(number) == 2


async def test_a_caller_that_went_away_is_still_told_of(store_url: str) -> None:
    told: list[str] = []
    async with Store(store_url) as store:
        caller = asyncio.create_task(store.write(lambda c: add(c, "a"), told.append))
        await asyncio.sleep(0)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        await store.write(lambda c: add(c, "b"))
        assert told == ["a"]


def test_sqlite_syncs_every_commit(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 's'}")
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2
    engine.dispose()


def test_migrations_make_the_tables_and_take_them_down(store_url: str) -> None:
    engine = create_engine(store_url)
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    migrate(engine)
    migrate(engine, "base")
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    engine.dispose()


@pytest.mark.parametrize("statement", ["INSERT", "SELECT"])
async def test_a_store_that_cannot_says_so(store_url: str, statement: str) -> None:
    async with Store(store_url) as store:
        with pytest.raises(Unavailable, match="missing"):
            await store.read(lambda c: c.execute(text("SELECT * FROM missing")))
        with pytest.raises(Unavailable):
            await store.write(lambda c: c.execute(text(f"{statement} nonsense")))
        assert await store.write(lambda c: add(c, "a")) == "a"


async def test_a_full_disk_is_back_pressure_and_not_a_loss(tmp_path: Path) -> None:
    """Changes are refused with 507 and undone whole, questions are answered, and space heals it."""
    async with Store(f"sqlite:///{tmp_path / 's'}") as store:
        await store.write(lambda connection: add(connection, "before"))
        pages = await store.read(lambda c: c.execute(text("PRAGMA page_count")).scalar_one())
        await store.write(lambda c: c.execute(text(f"PRAGMA max_page_count = {pages}")) and None)
        with pytest.raises(Unavailable, match="full") as refused:
            await store.write(lambda connection: [add(connection, f"{i}" * 500) for i in range(1000)])
        assert (refused.value.status, refused.value.remedy) == (507, "free disk space")
        assert await store.read(number) == 1
        await store.write(lambda c: c.execute(text("PRAGMA max_page_count = 1000000")) and None)
        assert await store.write(lambda connection: add(connection, "after")) == "after"
        assert await store.read(number) == 2
