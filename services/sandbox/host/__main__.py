"""`python -m services.sandbox.host`: wires a sandbox host and serves it."""

import asyncio
import sys

from services.kit.access import Signer
from services.kit.failure import Failure
from services.kit.log import configure_log
from services.kit.serve import serve
from services.kit.settings import load_settings
from services.sandbox.bubblewrap import BubblewrapSandboxes
from services.sandbox.docker.sandboxes import DockerRules, DockerSandboxes
from services.sandbox.docker.starts import StartRules
from services.sandbox.docker.warm import WarmRules
from services.sandbox.host.app import create_app
from services.sandbox.host.archives import Archives
from services.sandbox.host.bounds import Bounds
from services.sandbox.host.boxes import Boxes
from services.sandbox.host.metrics import HostMetrics
from services.sandbox.host.settings import HostSettings
from services.sandbox.port import Sandboxes
from services.sandbox.wire import HostCard


def main() -> None:
    settings = load_settings(HostSettings)
    configure_log("sandbox", settings.log_level)
    try:
        _serve(settings)
    except Failure as failure:
        sys.exit(f"{failure.detail}{f' ({failure.remedy})' if failure.remedy else ''}")


def _serve(settings: HostSettings) -> None:
    sandboxes, card = _sandboxes(settings)
    asyncio.run(sandboxes.verify())
    metrics = HostMetrics()
    app = create_app(
        sandboxes=sandboxes,
        card=card,
        boxes=Boxes(sandboxes, settings.capacity, settings.lease_s, metrics),
        archives=Archives(settings.state_dir, settings.archives_bytes),
        bounds=Bounds(
            settings.most_memory_bytes,
            settings.most_work_bytes,
            settings.most_processes,
            settings.most_cpus,
            settings.images,
        ),
        signer=Signer.from_file(settings.secret_file),
        metrics=metrics,
        body_bytes=settings.archive_bytes,
    )
    serve(app, settings.host, settings.port, settings.ready_file)


def _sandboxes(settings: HostSettings) -> tuple[Sandboxes, HostCard]:
    if settings.kind == "bubblewrap":
        return BubblewrapSandboxes(settings.require_cgroups), HostCard(kind="bubblewrap")
    rules = DockerRules(
        hostile_runtime=settings.hostile_runtime,
        build_network=settings.build_network,
        starts=StartRules(at_once=settings.starts_at_once, per_s=settings.starts_per_s),
        warm=WarmRules(each=settings.warm_each, most=settings.warm_most),
    )
    docker = DockerSandboxes(rules)
    return docker, HostCard(kind="docker", runtimes=docker.runtimes, hostile_runtime=settings.hostile_runtime)


if __name__ == "__main__":
    main()
