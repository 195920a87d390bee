"""What the record, the learner's log, the clients' histories and Redis say when all is quiet."""

import json
import math
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.chaos.learner import read_log
from bench.chaos.world import World

_LIVE = "('queued', 'running', 'reported', 'scored')"


@dataclass(frozen=True)
class Books:
    """Counts of what must not be, and what was done.

    lost: rollouts without an end, sealed groups never trained, and outcomes that were acknowledged and
    are not on the record. orphans: pending entries of the stream and keys that would never expire.
    """

    rollouts: int
    trained_groups: int
    lost: int
    trained_twice: int
    rewarded_failures: int
    orphans: int
    gave_up: int
    retried: int
    lengths: list[int]


class Record:
    """Read-only questions to the orchestrator's SQLite file while it works."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def number(self, question: str, *values: object) -> Any:
        """The one value that a question asks for; None while there is no record yet."""
        try:
            with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=5)) as database:
                return database.execute(question, values).fetchone()[0]
        except sqlite3.OperationalError:
            return None

    def column(self, question: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=5)) as database:
            return [row[0] for row in database.execute(question)]

    def admitted(self) -> int:
        return int(self.number("SELECT count(*) FROM rollouts") or 0)

    def sealed(self) -> int:
        return int(self.number("SELECT count(*) FROM rollouts WHERE state = 'sealed'") or 0)

    def quiet(self) -> bool:
        """Nothing runs, and nothing waits for the learner."""
        live = self.number(f"SELECT count(*) FROM rollouts WHERE state IN {_LIVE}")
        waiting = self.number("SELECT count(*) FROM groups WHERE state IN ('open', 'sealed')")
        return bool(live == 0 and waiting == 0)

    def lengths(self) -> list[int]:
        """Sampled tokens of every rollout of a trained group: in stubs, the time that it took."""
        return self.column(
            "SELECT rollouts.sampled_tokens FROM rollouts JOIN groups USING (group_id) "
            "WHERE rollouts.state = 'sealed' AND groups.state = 'trained'"
        )


def check(world: World) -> Books:
    record = Record(world.store_file)
    trained = [group for step in read_log(world.log_file) for group in step.groups]
    sealed = record.column("SELECT group_id FROM groups WHERE sealed_at IS NOT NULL")
    known = set(record.column("SELECT rollout_id || ':' || attempt FROM attempts"))
    acknowledged = [entry for name in world.environments for entry in _acknowledged(world.history_file(name))]
    unended = record.number(f"SELECT count(*) FROM rollouts WHERE state IN {_LIVE}")
    lost = int(unended) + len(set(sealed) - set(trained)) + sum(entry not in known for entry in acknowledged)
    return Books(
        rollouts=record.admitted(),
        trained_groups=len(trained),
        lost=lost,
        trained_twice=len(trained) - len(set(trained)),
        rewarded_failures=int(
            record.number("SELECT count(*) FROM rollouts WHERE state = 'failed' AND reward IS NOT NULL")
        ),
        orphans=_orphans(world),
        gave_up=int(record.number("SELECT count(*) FROM rollouts WHERE state = 'failed'")),
        retried=int(record.number("SELECT count(*) FROM attempts WHERE retried")),
        lengths=record.lengths(),
    )


def _acknowledged(history: Path) -> list[str]:
    """Outcomes that a client was told are on the record; a line that a kill broke off was not told."""
    lines = history.read_text().split("\n")[:-1] if history.exists() else []
    entries = [json.loads(line) for line in lines if line.endswith("}")]
    return [f"{entry['rollout_id']}:{entry['attempt']}" for entry in entries if entry["result"] == "ok"]


def _orphans(world: World) -> int:
    """What is left in Redis for ever: entries of the stream, and token records without an end."""
    with world.redis() as redis:
        entries = int(redis.xlen("podium:groups"))
        eternal = sum(redis.ttl(key) == -1 for key in redis.scan_iter("podium:tokens:*", 1000))
    return int(entries + eternal)


def ks_p(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The two-sample Kolmogorov-Smirnov test: how likely a gap this wide is for one distribution.

    Asymptotic, with the correction of Stephens (1970) for finite samples.
    """
    n, m = len(ours), len(theirs)
    values = sorted([(value, 1 / n) for value in ours] + [(value, -1 / m) for value in theirs])
    gap, height = 0.0, 0.0
    for index, (value, change) in enumerate(values):
        height += change
        if index + 1 == len(values) or values[index + 1][0] != value:
            gap = max(gap, abs(height))
    root = math.sqrt(n * m / (n + m))
    scaled = (root + 0.12 + 0.11 / root) * gap
    if scaled < 0.2:
        return 1.0
    terms = (2 * (-1) ** (k - 1) * math.exp(-2 * k * k * scaled * scaled) for k in range(1, 101))
    return float(min(1.0, max(0.0, sum(terms))))
