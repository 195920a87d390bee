"""How far a software engineering agent may go in one rollout."""

from dataclasses import dataclass

from services.sandbox.port import MIB, Limits


@dataclass(frozen=True)
class Rules:
    """Budgets of one rollout. `grading_reserve_s` of its time is kept for grading."""

    max_turns: int = 30
    max_tokens: int = 32_768
    command_timeout_s: float = 60.0
    output_bytes: int = 16_384
    grading_reserve_s: float = 30.0

    @property
    def limits(self) -> Limits:
        return Limits(work_bytes=256 * MIB, memory_bytes=1024 * MIB, output_bytes=self.output_bytes)
