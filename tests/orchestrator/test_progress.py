"""Progress: one answer for people, the command line and dashboards, also as a stream."""

import asyncio
import json
from typing import Any

from services.contracts.environment import RolloutRequest
from services.contracts.outcome import Outcome
from tests.orchestrator.conftest import Start
from tests.orchestrator.scripted import ScriptedEnvironment, completed, environment, keep_record, until


async def test_progress_is_streamed_and_measured(start: Start) -> None:
    async def behaviour(request: RolloutRequest) -> Outcome:
        await keep_record(running.tokens, request.rollout_id, request.attempt)
        await asyncio.sleep(0.05)
        return completed(request, 0.5)

    async with start() as running, environment(ScriptedEnvironment(behaviour), running.client):
        await until(lambda: running.parts.overview.progress().rollouts.sealed == 8)
        events: list[dict[str, Any]] = []
        async with running.client.stream("GET", "/v1/progress/stream") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    events.append(json.loads(line.removeprefix("data: ")))
                if len(events) == 2:
                    break
        last = events[-1]
        assert last == await running.progress()
        (row,) = last["environments"]
        assert (row["name"], row["target_share"], row["groups_sealed"]) == ("scripted", 1.0, 4)
        assert (row["mean_reward"], row["failed_by_cause"]) == (0.5, {})
        (engine,) = last["engines"]
        assert (engine["state"], engine["tokens_per_s"], engine["running"], engine["waiting"]) == (
            "healthy",
            50.0,
            2,
            1,
        )
        metrics = (await running.client.get("/metrics")).text
        for line in (
            'podium_rollouts_total{cause="completed",environment="scripted",state="sealed"} 8.0',
            'podium_groups_total{environment="scripted",purpose="train",state="sealed"} 4.0',
            "podium_conservation_error_rollouts 0.0",
            'podium_engines{state="healthy"} 1.0',
            'podium_rollouts_in_flight{environment="scripted"} 0.0',
            'podium_environment_target_share_ratio{environment="scripted"} 1.0',
            'podium_environment_reward_mean{environment="scripted"} 0.5',
            f'podium_engine_up{{engine="{engine["engine_id"]}"}} 1.0',
            "podium_group_stream_capacity_groups 1024.0",
            "podium_max_staleness_versions 1.0",
            'podium_disk_free_bytes{folder="store"}',
            "process_resident_memory_bytes",
        ):
            assert line in metrics
