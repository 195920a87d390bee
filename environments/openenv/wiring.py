"""Puts an environment together that plays an OpenEnv server."""

from environments.host import Host
from environments.openenv.environment import VERSION, OpenEnvFamily
from environments.openenv.settings import OpenEnvSettings
from services.contracts.environment import Manifest


def openenv_family(host: Host, settings: OpenEnvSettings) -> OpenEnvFamily:
    """The server may be away: what needs it is a rollout, and fails with its cause."""
    manifest = Manifest(
        name=host.name,
        version=VERSION,
        description=f"An OpenEnv environment at {settings.server_url}.",
        splits={"train": settings.train_tasks, "evaluation": settings.evaluation_tasks},
        capacity=host.capacity,
        reward_components=("reward",),
        reward_range=settings.reward_range,
        isolation="none",
    )
    return OpenEnvFamily(manifest, host, settings)
