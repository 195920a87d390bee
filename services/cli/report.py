"""What a run leaves behind: `report.json`, `steps.jsonl` and the reward plot."""

import asyncio
import json
from pathlib import Path

from services.cli.client import Json, OrchestratorClient
from services.cli.folder import Phase, RunFolder, write_json


async def write_report(
    folder: RunFolder, client: OrchestratorClient, phase: Phase, restarts: dict[str, int]
) -> Json:
    """Gather what the orchestrator knows of the run, write it with its plot, and return it."""
    assert phase.before_evaluation is not None
    assert phase.after_evaluation is not None
    progress = await client.progress()
    steps = await client.steps()
    report: Json = {
        "evaluation": {
            "before": await client.evaluation(phase.before_evaluation),
            "after": await client.evaluation(phase.after_evaluation),
        },
        "seconds": phase.seconds,
        "steps": progress["step"],
        "groups": progress["groups"],
        "rollouts": progress["rollouts"],
        "tito": progress["tito"],
        "weight_versions": sorted({0, *(step["weight_version"] for step in steps)}),
        "staleness": progress["staleness"],
        "peak_memory_bytes": phase.peak_memory_bytes,
        "restarts": restarts,
        "rewards": [step["metrics"].get("reward_mean") for step in steps],
    }
    write_json(folder.root / "report.json", report)
    (folder.root / "steps.jsonl").write_text("".join(json.dumps(step) + "\n" for step in steps))
    await asyncio.to_thread(plot_rewards, report, folder.root / "rewards.png")
    return report


def plot_rewards(report: Json, path: Path) -> None:
    """Mean reward of each step, with the two held-out evaluations as points."""
    import matplotlib  # heavy, and needed once, at the very end

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    rewards = report["rewards"]
    axes.plot(range(1, len(rewards) + 1), rewards, color="#4c72b0", label="training rollouts, mean of a step")
    evaluation = report["evaluation"]
    points = [evaluation["before"]["mean_reward"], evaluation["after"]["mean_reward"]]
    axes.plot([0, len(rewards)], points, "o--", color="#c44e52", label="held-out tasks, before and after")
    axes.set(xlabel="step", ylabel="mean reward", ylim=(0, 1), title="Reward")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
