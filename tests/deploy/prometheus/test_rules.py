"""Recording and alert rules, checked and tested by promtool."""

import re
import subprocess
from pathlib import Path

import pytest

RULES = Path(__file__).resolve().parents[3] / "deploy/prometheus/rules"
TESTS = Path(__file__).with_name("alerts.yml")


def promtool(*arguments: str) -> str:
    """What it prints. Fails with that if it is not content."""
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.prometheus
def test_the_rules_are_rules() -> None:
    for path in sorted(RULES.glob("*.yml")):
        assert "SUCCESS" in promtool("check", "rules", "--lint=all", "--lint-fatal", str(path))


@pytest.mark.prometheus
def test_alerts_fire_on_what_they_are_for_and_are_silent_beside_it() -> None:
    promtool("test", "rules", str(TESTS))


def test_every_alert_is_tested_to_fire() -> None:
    defined = re.findall(r"- alert: (\w+)", (RULES / "alerts.yml").read_text())
    fired = re.findall(r"alertname: (\w+)\n +exp_alerts:\n", TESTS.read_text())
    assert sorted(defined) == sorted(set(fired) & set(defined))
    assert len(defined) == len(set(defined))
