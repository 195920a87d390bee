"""The network between orchestrator and environment fails in every way, and the ledger is the same."""

import asyncio
from collections import Counter

import pytest

from services.contracts.environment import RolloutRequest
from services.contracts.outcome import Outcome
from tests.orchestrator.conftest import Start
from tests.orchestrator.scripted import ScriptedEnvironment, completed, environment, keep_record, until
from tests.proxy import Fault, aim, proxied

_FAULT_S = 1.2


@pytest.mark.parametrize("fault", ["delay", "refuse", "reset", "half_open", "short", "slow"])
async def test_the_same_ledger_under_a_bad_network(start: Start, fault: Fault) -> None:
    """Requests, their replies and reports break off both ways; every rollout ends once, with its reward."""
    ran: Counter[tuple[str, int]] = Counter()

    async def behaviour(request: RolloutRequest) -> Outcome:
        ran[(request.rollout_id, request.attempt)] += 1
        await asyncio.sleep(0.2)
        await keep_record(running.tokens, request.rollout_id, request.attempt)
        return completed(request)

    async with (
        proxied() as to_orchestrator,
        start(public_url=to_orchestrator.url, groups_per_step=8, max_staleness=0, lease_s=10.0) as running,
        environment(ScriptedEnvironment(behaviour, capacity=4), running.client) as scripted,
        proxied(scripted.url) as to_environment,
    ):
        aim(to_orchestrator, str(running.client.base_url).rstrip("/"))
        scripted.url, scripted.client.timeout = to_environment.url, 0.5
        assert (await scripted.register(running.client)).status_code == 201
        await until(lambda: running.parts.overview.progress().rollouts.sealed > 0)
        for proxy in (to_environment, to_orchestrator):
            proxy.break_down(fault)
        await asyncio.sleep(_FAULT_S)
        for proxy in (to_environment, to_orchestrator):
            proxy.heal()
        await until(lambda: running.parts.overview.progress().rollouts.sealed == 16, 40)
        progress = await running.progress()
    assert to_environment.hit + to_orchestrator.hit > 0
    assert progress["rollouts"]["failed_by_cause"] == {}
    assert progress["conservation_error"] == 0
    assert set(ran.values()) == {1}
    assert len(await running.stream.group_ids()) == await running.stream.backlog() == 8
