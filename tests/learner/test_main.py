"""After its last step a learner ends, or stays for whoever reads its metrics."""

import asyncio
from typing import cast

import pytest

from learner.__main__ import until_done
from learner.train import Learner


class Finished:
    """A learner whose last step is over."""

    async def train(self) -> None:
        return


async def test_it_ends_with_its_last_step_or_lingers() -> None:
    learner = cast(Learner, Finished())
    await asyncio.wait_for(until_done(learner, linger=False), 5)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(until_done(learner, linger=True), 0.05)
