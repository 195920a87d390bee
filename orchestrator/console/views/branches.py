"""Branches of a rollout as a tree: runs of model calls that follow on each other, and where they fork."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.sealing import CallSummary


@dataclass(frozen=True)
class Fork:
    """Calls in a row, and the runs that go on from the last of them."""

    calls: tuple[CallSummary, ...]
    children: tuple["Fork", ...]

    @property
    def sampled_tokens(self) -> int:
        return sum(call.sampled_tokens for call in self.calls)


def tree(calls: Sequence[CallSummary]) -> tuple[Fork, ...]:
    """Every call once, below its parent; a rollout that never rewrote its history is one run."""
    known = {call.call_id for call in calls}
    children: defaultdict[str | None, list[CallSummary]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: call.index):
        children[call.parent if call.parent in known else None].append(call)
    runs: dict[str, Fork] = {}
    for call in sorted(calls, key=lambda call: -call.index):  # children before their parents
        following = children[call.call_id]
        if len(following) == 1:
            rest = runs[following[0].call_id]
            runs[call.call_id] = Fork((call, *rest.calls), rest.children)
        else:
            runs[call.call_id] = Fork((call,), tuple(runs[child.call_id] for child in following))
    return tuple(runs[root.call_id] for root in children[None])
