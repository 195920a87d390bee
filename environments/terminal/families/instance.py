"""One generated task, and the ways in which somebody solves it or gets it wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

Commands = tuple[str, ...]
Files = Mapping[str, str]  # path below /app → text


@dataclass(frozen=True)
class Slip:
    """A plausible wrong way, and how often demonstrations take it."""

    share: float
    commands: Commands


@dataclass(frozen=True)
class Instance:
    """What is asked, what lies in /app before and must lie there after, and how that is done."""

    family: str
    instruction: str
    start: Files
    goal: Files
    solution: Commands
    slips: tuple[Slip, ...]


Draw = Callable[[Random], Instance]
