"""`python -m bench.stubs.engine FILE READY_FILE`: an engine whose replies take as long as the traffic says.

It holds whatever weights it is told to hold, also under requests that run, and says of each token which
they were. A bare ASGI app, so that it takes as little of the machine as it can.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from bench.stubs.traffic import Traffic
from services.kit.serve import serve

_encode = msgspec.json.encode


class _Generate(msgspec.Struct):
    routing_key: str


class StubEngine:
    """`ids` are what every reply samples. A sequence decodes at its speed, whatever runs beside it."""

    def __init__(self, traffic: Traffic, ids: Sequence[int]) -> None:
        self._traffic = traffic
        self._ids = list(ids)
        self._logprobs = msgspec.Raw(_encode([(-0.1234567, token, None) for token in ids]))
        self._turns: Counter[str] = Counter()
        self._versions: list[tuple[float, str]] = [(0.0, "default")]
        self._going_on = asyncio.Event()
        self._going_on.set()
        self._busy_s, self._running, self._since = 0.0, 0, time.monotonic()

    async def generate(self, body: bytes) -> bytes:
        rollout_id = msgspec.json.decode(body, type=_Generate).routing_key
        turn, started = self._turns[rollout_id], time.monotonic()
        self._turns[rollout_id] += 1
        self._run(1)
        try:
            await asyncio.sleep(self._traffic.think(rollout_id, turn))
            await self._going_on.wait()
        finally:
            self._run(-1)
        return self._reply(started, time.monotonic())

    def busy_s(self) -> float:
        """Seconds of all sequences that were decoded so far."""
        self._run(0)
        return self._busy_s

    def control(self, path: str, body: bytes) -> dict[str, Any]:
        """What the fleet asks and orders."""
        if path == "/busy":
            return {"busy_s": self.busy_s()}
        if path == "/model_info":
            return {"model_path": "stub", "weight_version": self._versions[-1][1]}
        if path == "/v1/loads":
            load = {"num_running_reqs": self._running, "num_waiting_reqs": 0, "gen_throughput": 0.0}
            return {"loads": [load]}
        if path == "/pause_generation":
            self._going_on.clear()
        elif path == "/continue_generation":
            self._going_on.set()
        elif path == "/update_weights_from_disk":
            self._versions.append((time.monotonic(), str(json.loads(body)["weight_version"])))
        return {"success": True, "status": "ok", "message": "", "num_paused_requests": 0}

    def _run(self, change: int) -> None:
        now = time.monotonic()
        self._busy_s += self._running * (now - self._since)
        self._running, self._since = self._running + change, now

    def _reply(self, started: float, ended: float) -> bytes:
        spans = [
            {"version": version, "start": start, "end": end}
            for version, start, end in self._spans(started, ended)
        ]
        meta = {
            "finish_reason": {"type": "stop", "matched": self._ids[-1]},
            "weight_versions": spans,
            "output_token_logprobs": self._logprobs,
            "cached_tokens": 0,
        }
        return _encode({"output_ids": self._ids, "meta_info": meta})

    def _spans(self, started: float, ended: float) -> list[tuple[str, int, int]]:
        """Weights by token, as if tokens came evenly between both moments."""
        held = [version for moment, version in self._versions if moment <= started][-1:]
        changed = [(moment, version) for moment, version in self._versions if started < moment <= ended]
        share = len(self._ids) / max(1e-9, ended - started)
        edges = [0, *(round((moment - started) * share) for moment, _ in changed), len(self._ids)]
        versions = [*held, *(version for _, version in changed)]
        return [
            (version, start, end)
            for version, (start, end) in zip(versions, pairwise(edges), strict=True)
            if end > start
        ]


def asgi(engine: StubEngine) -> Any:
    """The engine's HTTP face."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        parts, more = [], True
        while more:
            message = await receive()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        path, body = scope["path"], b"".join(parts)
        reply = await engine.generate(body) if path == "/generate" else _encode(engine.control(path, body))
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(reply)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": reply})

    return app


async def _lifespan(receive: Any, send: Any) -> None:
    for moment in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{moment}.complete"})


def main() -> None:
    told = json.loads(Path(sys.argv[1]).read_text())
    engine = StubEngine(Traffic(**told.get("traffic", {})), told.get("ids", [0]))
    serve(asgi(engine), "127.0.0.1", told.get("port", 0), Path(sys.argv[2]))


if __name__ == "__main__":
    main()
