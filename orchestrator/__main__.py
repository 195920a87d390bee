"""Runs the orchestrator: `python -m orchestrator`."""

import os
import signal

from orchestrator.app import create_app
from orchestrator.parts import Transports
from orchestrator.settings import OrchestratorSettings
from services.kit.access import Signer
from services.kit.log import configure_log
from services.kit.ports import free_port
from services.kit.serve import serve
from services.kit.settings import load_settings
from services.transport.connection import connect
from services.transport.group_stream import RedisGroupStream
from services.transport.token_store import RedisTokenStore
from services.transport.weight_channel import RedisWeightChannel


def main() -> None:
    settings = load_settings(OrchestratorSettings)
    if settings.port == 0:
        # Environments are told where to report, so the address is settled before the app is made.
        settings = settings.model_copy(update={"port": free_port(settings.host)})
    configure_log("orchestrator", settings.log_level)
    redis = connect(settings.redis_url, settings.redis_password_file)
    transports = Transports(RedisTokenStore(redis), RedisGroupStream(redis), RedisWeightChannel(redis))
    app = create_app(settings, transports, Signer.from_file(settings.secret_file), on_crash=_terminate)
    serve(app, settings.host, settings.port, settings.ready_file, settings.tls)


def _terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
