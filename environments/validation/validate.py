"""Tries every task with every player, several tasks at once, and says how far it is."""

import asyncio
from collections.abc import Callable, Sequence

from environments.validation.trials import NOOP, ORACLE, Trials
from environments.validation.validation import Validation
from services.kit.failure import Failure

Tell = Callable[[Validation, int], None]  # what has been found so far, of how many tasks


async def validate(
    trials: Trials, controls: Sequence[str] | None = None, tell: Tell = lambda *_: None
) -> Validation:
    """Oracle, no-op and `controls`, or all that there are. What fails is a finding, not an end."""
    validation, names = Validation(), trials.tasks
    players = (ORACLE, NOOP, *(trials.controls if controls is None else controls))
    waiting = iter(range(len(names)))

    async def work() -> None:
        for task in waiting:
            rewards = {player: await _given(trials, task, player) for player in players}
            validation.take(names[task], rewards)
            tell(validation, len(names))

    async with asyncio.TaskGroup() as group:
        for _ in range(trials.at_once):
            group.create_task(work())
    return validation


async def _given(trials: Trials, task: int, player: str) -> float | str:
    try:
        return float(await trials.reward(task, player))
    except Failure as failure:
        remedy = f" ({failure.remedy})" if failure.remedy else ""
        return f"no reward: {failure.cause or 'refused'}: {failure.detail}{remedy}"
    except Exception as error:  # one task's fault does not end the validation of the others
        return f"no reward: environment: {error!r}"
