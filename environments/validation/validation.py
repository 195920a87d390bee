"""What came of validating tasks: five numbers, and each thing that is wrong by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from environments.validation.trials import FULL, NOOP, ORACLE


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a task."""

    task: str
    player: str
    found: str


@dataclass
class Validation:
    """`*_full` count tasks for which the oracle or the no-op, and trials in which a control, scored full.

    A control has full reward as soon as it has more than doing nothing has: that must never be.
    """

    tasks: int = 0
    oracle_full: int = 0
    noop_full: int = 0
    controls_full: int = 0
    leftovers: int = 0
    played: int = 0
    wrong: list[Finding] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether every task is fit to train on."""
        return self.tasks > 0 and not self.wrong and not self.leftovers

    def take(self, task: str, rewards: Mapping[str, float | str]) -> None:
        """What each player was given for a task: a reward, or why it was given none."""
        self.tasks += 1
        self.played += len(rewards)
        nothing = rewards[NOOP] if isinstance(rewards[NOOP], float) else 0.0
        for player, given in rewards.items():
            self._count(task, player, given, min(FULL, float(nothing)))

    def leave(self, what: str) -> None:
        """Something that is still there after the end."""
        self.leftovers += 1
        self.wrong.append(Finding(what, "", "left behind"))

    def _count(self, task: str, player: str, given: float | str, nothing: float) -> None:
        if isinstance(given, str):
            self.wrong.append(Finding(task, player, given))
        elif player == ORACLE:
            self.oracle_full += given >= FULL
            if given < FULL:
                self.wrong.append(Finding(task, player, f"reward {given:g} of {FULL:g}"))
        elif player == NOOP:
            self.noop_full += given >= FULL
            if given >= FULL:
                self.wrong.append(Finding(task, player, "full reward for doing nothing"))
        elif given > nothing:
            self.controls_full += 1
            self.wrong.append(Finding(task, player, f"reward {given:g}, where doing nothing has {nothing:g}"))
