"""Which instance belongs to which split: a property of its instruction alone, so splits cannot overlap."""

import hashlib
from collections.abc import Iterator
from itertools import cycle, islice
from random import Random
from typing import Literal

from environments.terminal.families import FAMILIES
from environments.terminal.families.instance import Instance

Split = Literal["train", "evaluation"]

TRIES = 1_000  # far more than a family needs unless it has run out of instructions


def split_of(instruction: str) -> Split:
    """One instruction in eight is for evaluation, by a hash that no run or platform changes."""
    digest = hashlib.sha256(instruction.encode()).digest()
    return "evaluation" if digest[0] % 8 == 0 else "train"


def instances(split: Split, count: int, seed: int) -> Iterator[Instance]:
    """So many instances of a split, families taking turns, no instruction twice."""
    random = Random(f"{split}/{seed}")
    seen: set[str] = set()
    for family in islice(cycle(FAMILIES), count):
        instance = _fresh(family, split, seen, random)
        seen.add(instance.instruction)
        yield instance


def _fresh(family: str, split: Split, seen: set[str], random: Random) -> Instance:
    for _ in range(TRIES):
        instance = FAMILIES[family](random)
        if split_of(instance.instruction) == split and instance.instruction not in seen:
            return instance
    raise ValueError(f"the family {family} has too few instructions for this many instances")
