"""What a run leaves behind: `report.json`, `steps.jsonl` and the reward plot."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import fsum
from statistics import fmean

from services.cli.client import Json, OrchestratorClient
from services.cli.evaluations import together
from services.cli.folder import Phase, RunFolder, write_json
from services.cli.plot import plot_rewards


async def write_report(
    folder: RunFolder, client: OrchestratorClient, phase: Phase, restarts: dict[str, int]
) -> Json:
    """Gather what the orchestrator knows of the run, write it with its plot, and return it."""
    progress = await client.progress()
    steps = await client.steps()
    before, after = await _evaluations(client, phase.before), await _evaluations(client, phase.after)
    curves = reward_curves(await client.training_groups(), progress["step"])
    report: Json = {
        "evaluation": {"before": together(before), "after": together(after)},
        "environments": {
            row["name"]: _environment(row, before, after, curves)
            for row in progress["environments"]
            if row["name"] in before
        },
        "left_out": dict(folder.plan().left_out),
        "seconds": fsum(phase.seconds.values()),
        "seconds_by_phase": dict(phase.seconds),
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


def reward_curves(groups: Sequence[Json], steps: int) -> dict[str, list[float | None]]:
    """By environment: the mean reward of the groups that each step consumed, None where it had none."""
    found: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    for group in groups:
        if group["step"] is not None and group["mean_reward"] is not None:
            found[group["environment"], group["step"]].append(group["mean_reward"])
    names = {name for name, _ in found}
    return {
        name: [fmean(found[name, step]) if (name, step) in found else None for step in range(1, steps + 1)]
        for name in names
    }


async def _evaluations(client: OrchestratorClient, begun: Mapping[str, str]) -> dict[str, Json]:
    return {name: await client.evaluation(evaluation_id) for name, evaluation_id in begun.items()}


def _environment(
    row: Json,
    before: Mapping[str, Json],
    after: Mapping[str, Json],
    curves: Mapping[str, list[float | None]],
) -> Json:
    name = row["name"]
    return {
        "target_share": row["target_share"],
        "share": row["share"],
        "groups": row["groups_trained"],
        "reward_before": before[name]["mean_reward"],
        "reward_after": after[name]["mean_reward"],
        "evaluation": {"before": before[name], "after": after[name]},
        "failed_by_cause": row["failed_by_cause"],
        "rewards": curves.get(name, []),
    }
