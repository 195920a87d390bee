"""Puts an environment together that plays rows of NeMo Gym."""

from environments.host import Host
from environments.nemo_gym.environment import VERSION, NemoGymFamily
from environments.nemo_gym.rows import read_rows
from environments.nemo_gym.settings import NemoGymSettings
from services.contracts.environment import Manifest


def nemo_gym_family(host: Host, settings: NemoGymSettings) -> NemoGymFamily:
    """Errors: Refused if a row is not in order. The server may be away until a rollout needs it."""
    rows = {"train": read_rows(settings.train_file)}
    if settings.evaluation_file is not None:
        rows["evaluation"] = read_rows(settings.evaluation_file)
    manifest = Manifest(
        name=host.name,
        version=VERSION,
        description=f"A resources server of NeMo Gym at {settings.server_url}.",
        splits={split: len(found) for split, found in rows.items()},
        capacity=host.capacity,
        reward_components=("reward",),
        reward_range=settings.reward_range,
        isolation="none",
    )
    return NemoGymFamily(manifest, host, settings, rows)
