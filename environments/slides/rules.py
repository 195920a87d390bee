"""How far a slides agent may go in one rollout."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    """Budgets of one rollout. Grading has the last `grade_reserve_s` of its time, or a quarter of little."""

    max_turns: int = 12
    max_tokens: int = 16_384
    grade_reserve_s: float = 30.0
    report_reserve_s: float = 0.2
    html_bytes: int = 64_000
