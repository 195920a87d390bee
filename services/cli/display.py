"""A run as it goes on: one table in a terminal, one line every few seconds elsewhere."""

import time
from collections.abc import Mapping
from types import TracebackType

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from services.cli.client import Json
from services.cli.evaluations import together
from services.cli.folder import Plan, RunFolder

_LINE_PERIOD_S = 5.0


class Display:
    """Shows progress of the orchestrator. Set `phase` and `evaluations`; call `show` with each progress."""

    def __init__(self, console: Console, plan: Plan) -> None:
        self._console = console
        self._plan = plan
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._started = time.monotonic()
        self._last_line = 0.0
        self.phase = "starting"
        self.evaluations: dict[str, dict[str, Json]] = {}  # before, after → environment → evaluation

    def __enter__(self) -> "Display":
        for name, what in self._plan.left_out.items():
            self._console.print(f"without {name}: {what}", highlight=False)
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, progress: Json) -> None:
        if self._live is not None:
            self._live.update(self._picture(progress), refresh=True)
        elif time.monotonic() - self._last_line >= _LINE_PERIOD_S:
            self._last_line = time.monotonic()
            self._console.print(self._line(progress), highlight=False, soft_wrap=True)

    def summary(self, folder: RunFolder, report: Json) -> None:
        """What came of the run, and where it lies."""
        table = Table(title="Summary", show_header=False, title_justify="left")
        for name, value in summary_rows(report):
            table.add_row(name, value)
        self._console.print(table)
        self._console.print(f"report: {folder.root / 'report.json'}\nplot:   {folder.root / 'rewards.png'}")

    def _picture(self, progress: Json) -> RenderableType:
        return Group(
            Text(self._headline(progress)),
            environment_table(progress, self.evaluations),
            engine_table(progress),
        )

    def _headline(self, progress: Json) -> str:
        metrics = progress["metrics"]
        parts = [
            f"{time.monotonic() - self._started:4.0f} s",
            self.phase,
            f"step {progress['step']}/{self._plan.steps}",
            f"weights v{progress['weight_version']}",
            f"staleness {progress['staleness']['mean']:.2f}",
        ]
        parts += [f"{name} {metrics[name]:.4g}" for name in ("loss", "entropy") if name in metrics]
        parts += [f"{which} {_mean(together(found))}" for which, found in self.evaluations.items()]
        return " · ".join(parts)

    def _line(self, progress: Json) -> str:
        environments = [
            f"{row['name']}: share {row['share']:.2f} of {row['target_share']:.2f}, "
            f"{row['in_flight']} in flight, {row['groups_trained']} trained, "
            f"reward {_number(row['mean_reward'])}{_held_out(row['name'], self.evaluations)}, "
            f"failures {_failures(row['failed_by_cause'])}"
            for row in progress["environments"]
        ]
        tokens = sum(engine["tokens_per_s"] for engine in progress["engines"])
        return " | ".join([self._headline(progress), *environments, f"{tokens:.0f} tokens/s"])


def environment_table(progress: Json, evaluations: Mapping[str, Mapping[str, Json]]) -> Table:
    columns = ("environment", "share", "asked", "in flight", "sealed", "trained", "reward")
    table = _table(*columns, *evaluations, "failures")
    for row in progress["environments"]:
        table.add_row(
            row["name"],
            f"{row['share']:.2f}",
            f"{row['target_share']:.2f}",
            str(row["in_flight"]),
            str(row["groups_sealed"]),
            str(row["groups_trained"]),
            _number(row["mean_reward"]),
            *(_mean(found.get(row["name"], {})) for found in evaluations.values()),
            _failures(row["failed_by_cause"]),
        )
    return table


def engine_table(progress: Json) -> Table:
    table = _table("engine", "state", "weights", "tokens/s", "running", "waiting")
    for engine in progress["engines"]:
        table.add_row(
            engine["url"],
            engine["state"],
            f"v{engine['weight_version']}",
            f"{engine['tokens_per_s']:.0f}",
            str(engine["running"]),
            str(engine["waiting"]),
        )
    return table


def _table(name: str, *columns: str) -> Table:
    """Narrow enough for a terminal of 80 columns; a row is known by its name."""
    return Table(Column(name, no_wrap=True), *columns, box=SIMPLE_HEAD, padding=0)


def summary_rows(report: Json) -> list[tuple[str, str]]:
    """The lines of the summary, from `report.json`."""
    before, after = report["evaluation"]["before"], report["evaluation"]["after"]
    groups, staleness = report["groups"], report["staleness"]
    return [
        ("held-out reward", f"{_mean(before)} → {_mean(after)} ({after['completed']} rollouts each)"),
        *((f"  {name}", _change(row)) for name, row in report["environments"].items()),
        *((f"  {name}", f"left out: {what}") for name, what in report["left_out"].items()),
        (
            "time",
            f"{report['seconds']:.0f} s, {report['steps']} steps, {len(report['weight_versions'])} versions",
        ),
        *((f"  {phase}", f"{seconds:.0f} s") for phase, seconds in report["seconds_by_phase"].items()),
        ("groups", ", ".join(f"{count} {name}" for name, count in groups.items())),
        ("rollouts failed", _failures(report["rollouts"]["failed_by_cause"])),
        ("token histories", f"{report['tito']['turns']} turns, {report['tito']['breaks']} breaks"),
        ("staleness", f"mean {staleness['mean']:.2f}, max {staleness['max']} versions"),
        ("peak memory", f"{report['peak_memory_bytes'] / 2**20:.0f} MiB"),
        ("restarted", ", ".join(f"{name} {n}×" for name, n in report["restarts"].items()) or "nothing"),
    ]


def _change(row: Json) -> str:
    return (
        f"{_number(row['reward_before'])} → {_number(row['reward_after'])}, {row['groups']} groups, "
        f"share {row['share']:.3f} of {row['target_share']:.3f}"
    )


def _held_out(name: str, evaluations: Mapping[str, Mapping[str, Json]]) -> str:
    means = [f"{which} {_mean(found[name])}" for which, found in evaluations.items() if name in found]
    return f" ({', '.join(means)})" if means else ""


def _mean(evaluation: Json) -> str:
    return _number(evaluation.get("mean_reward"))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _failures(by_cause: dict[str, int]) -> str:
    return ", ".join(f"{count} {cause}" for cause, count in by_cause.items() if count) or "none"
