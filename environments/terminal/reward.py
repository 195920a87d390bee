"""Reward files exactly as Harbor reads them: `reward.json`, else `reward.txt`, else a verifier error."""

import json
import math
from dataclasses import dataclass
from typing import NoReturn

from services.contracts.cause import Cause
from services.kit.failure import Failure

REWARD = "reward"


@dataclass(frozen=True)
class Verdict:
    """One number, and the components that it results from."""

    reward: float
    components: dict[str, float]


def read_reward(reward_json: str | None, reward_txt: str | None) -> Verdict:
    """The verdict in these files; None for a file that is not there.

    Of several components, the one named `reward` is the reward, else their mean is.
    Errors: Failure (verifier) if there is none, or it is empty, not a number, or not finite.
    """
    if reward_json is not None:
        return _of_table(reward_json)
    if reward_txt is None:
        _fail("the verifier left neither reward.json nor reward.txt")
    reward = _number("reward.txt", reward_txt.strip())
    return Verdict(reward, {REWARD: reward})


def _of_table(text: str) -> Verdict:
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as error:
        _fail(f"reward.json is not JSON: {error}")
    if not isinstance(table, dict) or not table:
        _fail(f"reward.json is not a table of numbers: {text[:200]!r}")
    components = {name: _number(f"reward.json: {name}", value) for name, value in table.items()}
    reward = components.get(REWARD, math.fsum(components.values()) / len(components))
    return Verdict(reward, components)


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
