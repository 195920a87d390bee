"""The learner's HTTP door."""

import httpx

from learner.app import create_app
from learner.metrics import LearnerMetrics


async def test_health_and_metrics() -> None:
    metrics = LearnerMetrics()
    metrics.at(step=3, weight_version=2)
    transport = httpx.ASGITransport(create_app(metrics))
    async with httpx.AsyncClient(transport=transport, base_url="http://learner") as http:
        assert (await http.get("/healthz")).json() == {"status": "ok"}
        text = (await http.get("/metrics")).text
    assert "podium_learner_step 3.0" in text
    assert "podium_learner_weight_version 2.0" in text
