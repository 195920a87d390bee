"""The reward plot of a run: a curve for each environment, and the held-out evaluations as points."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from services.cli.client import Json

_COLOURS = {"terminal": "#4c72b0", "search": "#dd8452", "swe": "#55a868", "slides": "#8172b3"}
_WINDOW = 5  # steps: one alone has few groups of an environment


def plot_rewards(report: Json, path: Path) -> None:
    """Running means of training rewards, with the evaluations before and after as points."""
    import matplotlib  # heavy, and needed once, at the very end

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    steps = len(report["rewards"])
    for name, row in report["environments"].items():
        colour = _COLOURS.get(name)
        curve = running_mean(row["rewards"], _WINDOW)
        axes.plot(range(1, len(curve) + 1), curve, color=colour, label=f"{name}, mean of {_WINDOW} steps")
        axes.plot([0, steps], [row["reward_before"], row["reward_after"]], "o", color=colour)
    evaluation = report["evaluation"]
    points = [evaluation["before"]["mean_reward"], evaluation["after"]["mean_reward"]]
    axes.plot([0, steps], points, "o--", color="#c44e52", label="held-out tasks, before and after")
    axes.set(xlabel="step", ylabel="mean reward", ylim=(0, 1), title="Reward")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


def running_mean(values: Sequence[float | None], window: int) -> list[float]:
    """Of the last `window` entries, without those that are missing; NaN where all of them are."""
    parts = [values[max(place - window, 0) : place] for place in range(1, len(values) + 1)]
    known = [[value for value in part if value is not None] for part in parts]
    return [fmean(part) if part else float("nan") for part in known]
