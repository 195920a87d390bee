"""`python -m bench compose`: from `docker compose up` to the first trained group, memory and images.

Images are built first and not counted. Memory is that of all containers of the project, without the
cache of files and without the boxes that a Docker Engine runs beside them: the most that was seen while
training, and what is held once admission is paused and nothing is live.
"""

import argparse
import json
import time

import httpx

from bench.cluster import Cluster, Json, progress_of, until
from bench.table import table

_MIB = 2**20
_TRAINING_S = 60.0


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench compose", description=__doc__)
    parser.add_argument("--limit", type=float, default=900.0, help="seconds to wait for the first group")
    arguments = parser.parse_args(argv)
    cluster = Cluster()
    cluster.build()
    try:
        figures = _measure(cluster, arguments.limit)
    finally:
        cluster.down()
    _show(figures)


def _measure(cluster: Cluster, limit_s: float) -> Json:
    started = time.monotonic()
    cluster.up()
    with cluster.client() as client:
        until(lambda: _trained(client) > 0, limit_s, "a trained group")
        seconds = time.monotonic() - started
        run_bytes = _most_while_training(cluster)
        client.put("/v1/admission", json={"state": "paused"}).raise_for_status()
        until(lambda: _live(client) == 0, limit_s, "an end of all rollouts")
        return {
            "seconds_to_first_group": round(seconds, 1),
            "rest_bytes": cluster.memory(),
            "run_bytes": run_bytes,
            "images": cluster.image_sizes(),
        }


def _most_while_training(cluster: Cluster) -> int:
    end, most = time.monotonic() + _TRAINING_S, 0
    while time.monotonic() < end:
        most = max(most, cluster.memory())
    return most


def _trained(client: httpx.Client) -> int:
    progress = progress_of(client)
    return 0 if progress is None else int(progress["groups"]["trained"])


def _live(client: httpx.Client) -> int:
    progress = progress_of(client)
    return -1 if progress is None else int(progress["rollouts"]["live"])


def _show(figures: Json) -> None:
    rows = [
        ("first trained group after", f"{figures['seconds_to_first_group']} s"),
        ("memory at rest", f"{figures['rest_bytes'] / _MIB:.0f} MiB"),
        ("memory in a run", f"{figures['run_bytes'] / _MIB:.0f} MiB"),
        *((f"image {name}", f"{size / _MIB:.0f} MiB") for name, size in figures["images"].items()),
    ]
    print(table(("figure", "value"), rows))
    print(json.dumps(figures))
