"""The benchmark of balance, small: real processes, one of which dies, and every figure is there."""

from dataclasses import replace
from pathlib import Path

from bench.balance import measure, plan
from bench.balance_scenario import Scenario
from bench.platform import platform


async def test_a_small_scenario_is_measured_whole(tmp_path: Path) -> None:
    scenario = replace(Scenario(), warm_up=16, window=80, dies_after=20, away_s=1.0, base_s=0.05, step_s=0.2)
    with platform(plan(scenario), tmp_path) as running:
        measured = await measure(scenario, running)
    assert len(measured.trained) == scenario.window
    assert set(measured.blocked_s) == {member.name for member in scenario.members}
    assert scenario.error(measured.trained) < 0.1
    assert measured.progress["conservation_error"] == 0
