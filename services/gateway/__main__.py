"""`python -m services.gateway`: wires the gateway and serves it."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from services.gateway.app import create_app
from services.gateway.engine_client import EngineClient
from services.gateway.fleet import Engine, Fleet, following
from services.gateway.metrics import GatewayMetrics
from services.gateway.sampler import Sampler
from services.gateway.session import Sessions
from services.gateway.settings import GatewaySettings
from services.gateway.turn import Turns
from services.kit.access import Signer
from services.kit.crash import CrashPoints
from services.kit.http import http_client
from services.kit.log import configure_log
from services.kit.serve import serve
from services.kit.settings import load_settings
from services.rendering.chat import ChatRenderer
from services.transport.connection import connect
from services.transport.token_store import RedisTokenStore


def main() -> None:
    settings = load_settings(GatewaySettings)
    configure_log("gateway", settings.log_level)
    metrics = GatewayMetrics()
    renderer = ChatRenderer(settings.model_path, settings.family, settings.family_options)
    redis = connect(settings.redis_url, settings.redis_password_file)
    store = RedisTokenStore(redis, settings.record_lifetime_s)
    fleet = Fleet([Engine(url, url) for url in settings.engines])
    key = None if settings.engine_key_file is None else settings.engine_key_file.read_text().strip()
    client = EngineClient(renderer.vocabulary_size, settings.engine_timeout_s, tls=settings.tls, key=key)
    sessions = Sessions(store, fleet.placements, settings.max_sessions, settings.session_idle_s)
    sampler = Sampler(fleet, client, metrics, renderer.stop_token_ids, settings.engine_wait_s)
    crash = CrashPoints(settings.crash_at)
    turns = Turns(sessions, renderer, sampler, metrics, context_length(settings, renderer), crash)
    metrics.watch(sessions, fleet.placements)
    app = create_app(
        turns=turns,
        signer=Signer.from_file(settings.secret_file),
        renderer=renderer,
        metrics=metrics,
        model_name=settings.model_name,
        limits=settings.limits,
        lifetimes=[client, *_following(settings, fleet)],
    )
    serve(app, settings.host, settings.port, settings.ready_file, settings.tls)


def context_length(settings: GatewaySettings, renderer: ChatRenderer) -> int:
    """The setting, or what the model's folder says. Exits if neither tells."""
    length = settings.context_length or renderer.context_length
    if length is None:
        raise SystemExit("PODIUM_GATEWAY_CONTEXT_LENGTH is not set and the model's config.json does not tell")
    return length


def _following(settings: GatewaySettings, fleet: Fleet) -> list[AbstractAsyncContextManager[Any]]:
    """What keeps the fleet up to date, where there is an orchestrator."""
    if settings.orchestrator_url is None or settings.token_file is None:
        return []
    url, token = settings.orchestrator_url, settings.token_file.read_text().strip()

    @asynccontextmanager
    async def follow() -> AsyncIterator[None]:
        async with (
            http_client(base_url=url, token=token, tls=settings.tls) as orchestrator,
            following(fleet, orchestrator),
        ):
            yield

    return [follow()]


if __name__ == "__main__":
    main()
