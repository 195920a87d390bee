"""Reward files exactly as Harbor reads them: `reward.json`, else `reward.txt`, else a verifier error."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

from services.contracts.cause import Cause
from services.kit.failure import Failure

REWARD = "reward"


@dataclass(frozen=True)
class Verdict:
    """The components of a reward, and the one number that results: that named `reward`, else their mean."""

    components: Mapping[str, float]

    @property
    def reward(self) -> float:
        return self.components.get(REWARD, math.fsum(self.components.values()) / len(self.components))


def combined(verdicts: Sequence[Verdict], strategy: Literal["mean", "final"] | None) -> Verdict:
    """Of the steps that a task came to: the last one's, or each component's mean, 0 where it is missing."""
    if strategy == "final":
        return verdicts[-1]
    names = dict.fromkeys(name for verdict in verdicts for name in verdict.components)
    sums = {name: math.fsum(verdict.components.get(name, 0.0) for verdict in verdicts) for name in names}
    return Verdict({name: total / len(verdicts) for name, total in sums.items()})


def read_reward(reward_json: str | None, reward_txt: str | None) -> Verdict:
    """The verdict in these files; None for a file that is not there.

    Errors: Failure (verifier) if there is none, or it is empty, not a number, or not finite.
    """
    if reward_json is not None:
        return _of_table(reward_json)
    if reward_txt is None:
        _fail("the verifier left neither reward.json nor reward.txt")
    return Verdict({REWARD: _number("reward.txt", reward_txt.strip())})


def _of_table(text: str) -> Verdict:
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as error:
        _fail(f"reward.json is not JSON: {error}")
    if not isinstance(table, dict) or not table:
        _fail(f"reward.json is not a table of numbers: {text[:200]!r}")
    return Verdict({name: _number(f"reward.json: {name}", value) for name, value in table.items()})


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        _fail(f"{name} is {value!r}, not a number")
    if isinstance(value, str) and name != "reward.txt":
        _fail(f"{name} is text, {value[:200]!r}, not a number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        _fail(f"{name} is {str(value)[:200]!r}, not a number")
    if not math.isfinite(number):
        _fail(f"{name} is {number}, not a finite number")
    return number


def _fail(why: str) -> NoReturn:
    raise Failure(why, cause=Cause.VERIFIER)
