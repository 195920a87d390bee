"""The driver of validations, with trials whose rewards are known."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from environments.validation.validate import validate
from environments.validation.validation import Finding, Validation
from services.contracts.cause import Cause
from services.kit.failure import Failure

GOOD = {"oracle": 1.0, "noop": 0.0, "plants": 0.0, "exits": 0.0}


@dataclass
class Known:
    rewards: Mapping[str, Mapping[str, float]]
    controls: tuple[str, ...] = ("plants", "exits")
    at_once: int = 2
    played: list[str] = field(default_factory=list)

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(self.rewards)

    async def reward(self, task: int, player: str) -> float:
        self.played.append(player)
        if player not in self.rewards[self.tasks[task]]:
            raise Failure("no table", cause=Cause.VERIFIER)
        return self.rewards[self.tasks[task]][player]


async def found(**changed: float) -> Validation:
    return await validate(Known({"good": GOOD, "odd": {**GOOD, **changed}}))


async def test_tasks_that_hold() -> None:
    assert await found() == Validation(2, oracle_full=2, played=8)
    assert (await found()).holds
    assert (await found(oracle=1.5, noop=-1, plants=-2)).wrong == [
        Finding("odd", "exits", "reward 0, where doing nothing has -1")
    ]


@pytest.mark.parametrize(
    ("player", "reward", "says"),
    [
        ("oracle", 0.9, "reward 0.9 of 1"),
        ("noop", 1.0, "full reward for doing nothing"),
        ("plants", 0.1, "reward 0.1, where doing nothing has 0"),
    ],
)
async def test_each_thing_that_is_wrong_is_named(player: str, reward: float, says: str) -> None:
    validation = await found(**{player: reward})
    assert validation.wrong == [Finding("odd", player, says)]
    assert not validation.holds


async def test_the_counts() -> None:
    validation = await found(oracle=0.0, noop=0.5, plants=1.0, exits=0.5)
    counts = (validation.oracle_full, validation.noop_full, validation.controls_full)
    assert counts == (1, 0, 1)


@pytest.mark.parametrize("player", GOOD)
async def test_a_failure_is_a_finding_and_no_reward(player: str) -> None:
    known = Known({"odd": {name: reward for name, reward in GOOD.items() if name != player}})
    validation = await validate(known)
    assert validation.wrong == [Finding("odd", player, "no reward: verifier: no table")]
    assert (validation.holds, len(known.played)) == (False, 4)


async def test_a_fault_is_a_finding_and_the_others_are_tried() -> None:
    class Faulty(Known):
        async def reward(self, task: int, player: str) -> float:
            if (task, player) == (0, "plants"):
                raise ZeroDivisionError("in a trial")
            return await super().reward(task, player)

    validation = await validate(Faulty({"odd": GOOD, "good": GOOD}))
    found = "no reward: environment: ZeroDivisionError('in a trial')"
    assert (validation.wrong, validation.tasks) == ([Finding("odd", "plants", found)], 2)


async def test_no_task_and_something_left_behind_do_not_hold() -> None:
    assert not Validation().holds
    validation = await found()
    validation.leave("a process")
    assert (validation.leftovers, validation.holds) == (1, False)


async def test_controls_can_be_left_out() -> None:
    known = Known({"good": GOOD})
    assert (await validate(known, ())).played == 2
    assert known.played == ["oracle", "noop"]
