"""How far a terminal agent may go in one rollout."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    """Budgets of one rollout.

    `grading_reserve_s` of its time is kept for scoring each step; None keeps what its verifier may take.
    """

    max_turns: int = 6
    max_tokens: int = 8192
    command_timeout_s: float = 10.0
    output_bytes: int = 8192
    verifier_output_bytes: int = 131_072
    grading_reserve_s: float | None = None
