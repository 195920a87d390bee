"""What is reported of a graded rollout."""

from environments.ending import Ending
from environments.family import Scored
from environments.swe.grading.verdict import COMPONENTS, Verdict
from environments.swe.instance import Instance

__all__ = ["COMPONENTS", "scored"]

_SHOWN_SUSPICION = 200
_SHOWN_DIFF = 20_000
_SHOWN_OUTPUT = 2_000


def scored(instance: Instance, ending: Ending, verdict: Verdict) -> Scored:
    """Reward 1 if every test of both lists passed; the lists' shares are components that decide nothing."""
    details = {
        **ending.details,
        "task": instance.instance_id,
        "tests": dict(verdict.tests),
        "suspicions": [suspicion[:_SHOWN_SUSPICION] for suspicion in verdict.labels],
        "diff": verdict.diff[:_SHOWN_DIFF],
        "printed": verdict.printed[-_SHOWN_OUTPUT:],
    }
    return Scored(ending.cause, verdict.reward, dict(verdict.components), details, _labels(verdict))


def _labels(verdict: Verdict) -> tuple[str, ...]:
    """The words of the suspicions, without the paths and names that an agent chose."""
    return tuple(dict.fromkeys(suspicion.partition(":")[0] for suspicion in verdict.labels))
