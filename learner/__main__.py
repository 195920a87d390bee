"""Wires the learner: `python -m learner`, configured by `PODIUM_LEARNER_*`."""

import asyncio
import signal
import sys
from contextlib import AsyncExitStack, suppress

import torch

from learner.app import create_app
from learner.durable import exclusive
from learner.follower import follow
from learner.metrics import LearnerMetrics
from learner.ranks import Ranks
from learner.reports import Reporter
from learner.settings import LearnerSettings
from learner.train import Learner, Transports
from learner.wiring import build, descent_of
from services.kit.failure import Failure
from services.kit.http import http_client
from services.kit.log import configure_log
from services.kit.metrics import Disks
from services.kit.serve import serving
from services.kit.settings import load_settings
from services.transport.connection import connect
from services.transport.group_stream import RedisGroupStream
from services.transport.token_store import RedisTokenStore
from services.transport.weight_channel import RedisWeightChannel


def main() -> None:
    settings = load_settings(LearnerSettings)
    configure_log("learner", settings.log_level)
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    reasons: list[str] = []
    try:
        _take_rank(settings, Ranks.join())
    except* Failure as failures:
        reasons = [f"{failure.detail}: {failure.remedy}" for failure in leaves(failures)]
    if reasons:
        sys.exit("\n".join(reasons))


def _take_rank(settings: LearnerSettings, ranks: Ranks) -> None:
    """Lead, or follow who leads."""
    if ranks.rank:
        follow(descent_of(settings, ranks))
    else:
        with exclusive(settings.checkpoint_dir):
            asyncio.run(run(settings, ranks))
    ranks.leave()


def leaves(failures: ExceptionGroup[Failure]) -> list[Failure]:
    """The failures of a group, however deep it is."""
    flat: list[Failure] = []
    for failure in failures.exceptions:
        flat += leaves(failure) if isinstance(failure, ExceptionGroup) else [failure]
    return flat


async def run(settings: LearnerSettings, ranks: Ranks) -> None:
    """Lead: train until the last step or a signal; reports still on their way get a few seconds."""
    metrics = LearnerMetrics()
    folders = {"checkpoints": settings.checkpoint_dir, "weights": settings.weights_dir}
    metrics.registry.register(Disks(folders))
    async with AsyncExitStack() as stack:
        redis = connect(settings.redis_url, settings.redis_password_file)
        stack.push_async_callback(redis.aclose)
        token = settings.token_file.read_text().strip()
        http = await stack.enter_async_context(
            http_client(base_url=settings.orchestrator_url, token=token, tls=settings.tls)
        )
        reporter = Reporter(http)
        transports = Transports(RedisGroupStream(redis), RedisTokenStore(redis), RedisWeightChannel(redis))
        learner = build(settings, transports, reporter, metrics, ranks)
        app = create_app(metrics, settings.limits)
        await stack.enter_async_context(
            serving(app, settings.host, settings.port, settings.ready_file, settings.tls)
        )
        await stack.enter_async_context(reporter.running())
        await _until_signal(learner, settings.linger)


async def _until_signal(learner: Learner, linger: bool) -> None:
    """Train; SIGTERM and SIGINT cancel it, and a step that has not been taken is given up."""
    training = asyncio.create_task(until_done(learner, linger))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, training.cancel)
    with suppress(asyncio.CancelledError):
        await training


async def until_done(learner: Learner, linger: bool) -> None:
    """Train to the last step; a learner that lingers returns only when it is cancelled."""
    await learner.train()
    if linger:
        await asyncio.Event().wait()


if __name__ == "__main__":
    main()
