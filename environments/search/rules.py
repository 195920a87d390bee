"""How far a search agent may go in one rollout."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    """Budgets of one rollout. The judge has the last `judge_reserve_s` of its time, at most a quarter."""

    max_turns: int = 16
    max_tokens: int = 16_384
    judge_reserve_s: float = 5.0
    report_reserve_s: float = 0.2
