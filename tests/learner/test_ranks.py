"""Two ranks train as one does, and a job that was killed ends as one that was not."""

import signal
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from redis.asyncio import Redis

from services.kit.ports import free_port
from tests.learner import processes
from tests.learner.test_crash import Orchestrator, fill, orchestrator, parameters, settings

__all__ = ["orchestrator", "settings"]

PARTNER_NOTICES_S = 30.0


def job(folder: Path, settings: Mapping[str, object], crash_at: str = "") -> tuple[int | None, int | None]:
    """Exit codes of leader and follower."""
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    ranks = [
        processes.start(
            dict(settings) | ({"crash_at": crash_at} if rank == 0 else {}),
            folder / f"rank-{rank}",
            shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in (0, 1)
    ]
    try:
        for process in ranks:
            process.join(PARTNER_NOTICES_S)
        return ranks[0].exitcode, ranks[1].exitcode
    finally:
        for process in ranks:
            process.kill()


async def test_two_ranks_train_as_one(
    settings: dict[str, object], redis: Redis, orchestrator: Orchestrator, tmp_path: Path
) -> None:
    await fill(redis)
    alone = settings | {name: tmp_path / "alone" / name for name in ("checkpoint_dir", "weights_dir")}
    assert processes.run(alone, tmp_path / "log") == 0
    expected, losses = parameters(alone), [r[-1].metrics["loss"] for r in orchestrator.reports.values()]
    await redis.flushall()
    orchestrator.reports.clear()

    ids = await fill(redis)
    assert job(tmp_path, settings) == (0, 0), (tmp_path / "rank-1").read_text()
    found = parameters(settings)
    assert all(torch.allclose(found[name], tensor, atol=2e-5) for name, tensor in expected.items())
    assert [r[-1].metrics["loss"] for r in orchestrator.reports.values()] == pytest.approx(losses, abs=1e-5)
    assert orchestrator.groups() == ids
    assert list((tmp_path / "weights").iterdir())


async def test_a_killed_leader_takes_its_followers_along_and_the_job_goes_on(
    settings: dict[str, object], redis: Redis, orchestrator: Orchestrator, tmp_path: Path
) -> None:
    ids = await fill(redis)
    leader, follower = job(tmp_path, settings, crash_at="after_checkpoint:2")
    assert leader == -signal.SIGKILL
    assert follower not in (0, None), "a follower without a leader ends, and says that it failed"
    assert job(tmp_path, settings) == (0, 0)
    assert orchestrator.groups() == ids
