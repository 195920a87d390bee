"""The stall detector names who waits, what for, and because of whom."""

import asyncio
from collections import Counter
from dataclasses import replace

from orchestrator.stalls import Situation, Standing, Wait, blocked, waits
from services.contracts.environment import RolloutRequest
from services.contracts.outcome import Outcome
from tests.orchestrator.conftest import Start
from tests.orchestrator.scripted import ScriptedEnvironment, completed, environment, keep_record, until

QUIET = Situation(
    standings=(Standing("slow", "slots", False), Standing("quick", None, True)),
    limit="staleness",
    has_room=True,
    hungry=True,
    open_groups=Counter({"slow": 7, "quick": 1}),
    occupants=Counter({"slow": 14, "quick": 2}),
)


def test_each_obstacle_has_a_name_and_an_address() -> None:
    slow, quick, learner = waits(QUIET)
    assert slow == Wait(who="slow", reason="slots", on=("slow",))
    assert quick == Wait(who="quick", reason="groups", on=("slow", "quick"))
    assert learner == Wait(who="learner", reason="groups", on=("slow", "quick"))
    fed = replace(QUIET, hungry=False)
    assert waits(fed)[1:] == (Wait(who="quick", reason="learner", on=("learner",)),)
    assert waits(replace(fed, limit="paused"))[1].on == ("people",)
    assert waits(replace(fed, limit="engines"))[1].on == ("engines",)
    assert waits(replace(fed, limit="stream"))[1].on == ("learner",)
    crowded = waits(replace(fed, limit="none", has_room=False))[1]
    assert crowded == Wait(who="quick", reason="room", on=("slow", "quick"))
    assert len(waits(replace(fed, limit="none"))) == 1
    assert waits(replace(fed, limit="none", opening=True))[1].on == ("store",)


def test_blocked_is_who_could_start_and_another_is_why_not() -> None:
    assert blocked(QUIET) == {"quick"}
    assert blocked(replace(QUIET, hungry=False)) == frozenset()
    assert blocked(replace(QUIET, open_groups=Counter({"quick": 8}))) == frozenset()
    assert blocked(replace(QUIET, limit="none")) == {"quick"}
    assert blocked(replace(QUIET, limit="none", opening=True)) == frozenset()
    assert blocked(replace(QUIET, limit="none", has_room=False)) == {"quick"}
    assert blocked(replace(QUIET, limit="paused")) == frozenset()


async def test_progress_and_metrics_tell_who_holds_up_whom(start: Start) -> None:
    """All that may be open is open in one that never ends; the other could start and the learner starves."""
    released = asyncio.Event()

    async def behaviour(request: RolloutRequest) -> Outcome:
        await released.wait()
        await keep_record(running.tokens, request.rollout_id, request.attempt)
        return completed(request)

    async with (
        start(groups_per_step=1, max_staleness=1, stall_s=0.1) as running,
        environment(ScriptedEnvironment(behaviour, "stuck"), running.client),
    ):
        await until(lambda: running.parts.board.open_groups()["stuck"] == 2)
        async with environment(ScriptedEnvironment(behaviour, "idle"), running.client):
            await until(lambda: running.parts.stalls.blocked_s["idle"] > 0.2)
            rows = {row["who"]: row for row in (await running.progress())["waits"]}
            assert (rows["idle"]["reason"], rows["idle"]["on"]) == ("groups", ["stuck"])
            assert rows["learner"]["on"] == ["stuck"]
            assert rows["learner"]["seconds"] >= rows["idle"]["seconds"] > 0.0
            metrics = (await running.client.get("/metrics")).text
            assert 'podium_wait_seconds{reason="groups",waiter="idle"}' in metrics
            assert running.parts.stalls.blocked_s["stuck"] == 0.0
            released.set()
            await until(lambda: not any(w.who == "learner" for w in running.parts.stalls.waits()))
