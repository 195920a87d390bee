"""What is reported of a graded rollout."""

from environments.family import Scored
from environments.swe.grading.verdict import COMPONENTS, Verdict
from environments.swe.instance import Instance
from environments.terminal.agent import Ending

__all__ = ["COMPONENTS", "scored"]

_SHOWN_DIFF = 20_000
_SHOWN_OUTPUT = 2_000


def scored(instance: Instance, ending: Ending, verdict: Verdict) -> Scored:
    """Reward 1 if every test of both lists passed; the lists' shares are components that decide nothing."""
    details = {
        "task": instance.instance_id,
        "ended": ending.reason,
        "sampled_tokens": ending.sampled_tokens,
        "tests": dict(verdict.tests),
        "labels": list(verdict.labels),
        "diff": verdict.diff[:_SHOWN_DIFF],
        "printed": verdict.printed[-_SHOWN_OUTPUT:],
    }
    return Scored(ending.cause, verdict.reward, dict(verdict.components), details)
