"""An orchestrator with a past worth looking at: two environments, branches, versions, failures, files."""

import hashlib
import io
import time
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
from fastapi import FastAPI, Response
from PIL import Image

from services.contracts.cause import Cause
from services.contracts.environment import RolloutRequest
from services.contracts.outcome import Artifact, Outcome
from services.contracts.token_record import CallHeader, TokenArrays, TokenRecord, VersionSpan
from services.contracts.words import new_id
from services.rendering.chat import ChatRenderer
from services.rendering.message import Message
from services.transport.token_store import TokenStore
from tests.orchestrator.scripted import ScriptedEnvironment, failed

EVIL = "</pre><script>document.title='owned'</script><img src=x onerror=alert(1)> \u202egnp.exe \x1b[31m"
ERROR = 'Traceback (most recent call last):\n  File "page.py", line 3\nRuntimeError: <b>no browser</b>'
DIFF = "--- a/deck.html\n+++ b/deck.html\n@@ -1 +1 @@\n-<h1>Old</h1>\n+<h1>New</h1>\n"
PAGE = "<html><script>document.title='owned'</script></html>"
_SAID = ("Write a deck of two slides.", "I will look at the folder first.", "deck.html", "Both are written.")


def picture() -> bytes:
    """A small PNG."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 36), (40, 110, 200)).save(buffer, "PNG")
    return buffer.getvalue()


@dataclass
class Storyteller(ScriptedEnvironment):
    """A scripted environment that also serves the files its rollouts left."""

    def app(self) -> FastAPI:
        app = super().app()
        files = {"page-1.png": ("image/png", picture()), "deck.html": ("text/html", PAGE.encode())}
        files["logo.svg"] = ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>")

        @app.get("/v1/rollouts/{rollout_id}/attempts/{attempt}/artifacts/{name}")
        async def artifact(name: str) -> Response:
            media_type, data = files[name]
            return Response(data, media_type=media_type)

        return app


def artifacts(url: str, request: RolloutRequest) -> tuple[Artifact, ...]:
    """What it says that it left; one of them it has not."""
    base = f"{url}/v1/rollouts/{request.rollout_id}/attempts/{request.attempt}/artifacts"
    kinds = {"page-1.png": "image/png", "deck.html": "text/html", "logo.svg": "image/svg+xml"}
    digest = hashlib.sha256(picture()).hexdigest()
    return tuple(
        Artifact(
            name=name,
            media_type=kind,
            url=f"{base}/{name}",
            size=64,
            sha256=digest if name == "page-1.png" else "",
        )
        for name, kind in kinds.items()
    )


class Writer:
    """Writes the records that a gateway would have kept, with real ids of a real chat format."""

    def __init__(self, tokens: TokenStore, renderer: ChatRenderer) -> None:
        self._tokens = tokens
        self._renderer = renderer
        self._random = np.random.default_rng(0)

    async def tell(self, request: RolloutRequest) -> None:
        """Four turns; the third forks from the first, as when an agent rewrites its history."""
        tools = [{"type": "function", "function": {"name": "bash", "arguments": '{"command": "ls -la"}'}}]
        calls: list[CallHeader] = []
        replies: list[tuple[dict[str, Any], int | None]] = [
            ({"role": "assistant", "content": _SAID[1], "tool_calls": [{"id": "1", **tools[0]}]}, None),
            ({"role": "assistant", "content": EVIL}, 0),
            ({"role": "assistant", "content": "Again, from the summary: Grüße, 東京 ☕."}, 0),
            ({"role": "assistant", "content": _SAID[3]}, 2),
        ]
        for index, (reply, parent) in enumerate(replies):
            said: dict[str, Any] = {"role": "tool", "tool_call_id": "1", "content": f"{_SAID[2]}\n{EVIL}"}
            asked = said if index else {"role": "user", "content": f"{_SAID[0]} {EVIL}"}
            header = await self._call(
                request, index, [asked, reply], calls[parent] if parent is not None else None
            )
            calls.append(header)

    async def _call(
        self, request: RolloutRequest, index: int, messages: list[dict[str, Any]], parent: CallHeader | None
    ) -> CallHeader:
        text = Message(role="user", content=str(messages[0]["content"]))
        prompt = np.asarray(self._renderer.render([text]), np.int32)
        sampled = np.asarray(self._renderer.tokenizer.encode(messages[1]["content"]), np.int32)
        logprobs = -np.abs(self._random.standard_exponential(len(sampled))).astype(np.float32) * 0.8
        arrays = TokenArrays.of(prompt, sampled, logprobs, prompt)
        half = len(sampled) // 2
        header = CallHeader(
            rollout_id=request.rollout_id,
            attempt=request.attempt,
            call_id=new_id(),
            index=index,
            branch=int(index > 1),
            parent=parent.call_id if parent else None,
            prompt_tokens=len(prompt),
            sampled_tokens=len(sampled),
            versions=(VersionSpan(3, 0, half), VersionSpan(4, half, len(sampled))),
            engine="http://engine",
            temperature=1.0,
            finish_reason="stop",
            messages=tuple(messages),
            started_at=time.time() + 0.3 * index,
            seconds=0.2,
            digest=arrays.digest(),
        )
        await self._tokens.append(TokenRecord(header, arrays))
        return header


def scored(request: RolloutRequest, url: str, reward: float) -> Outcome:
    """An outcome with everything that an environment can tell."""
    return Outcome(
        rollout_id=request.rollout_id,
        attempt=request.attempt,
        cause=Cause.COMPLETED,
        reward=reward,
        components={"markup": reward, "geometry": 0.75},
        turns=4,
        seconds=1.3,
        details={
            "ended": "the agent was done",
            "tests": {"test_title": "passed", "test_overflow": "failed"},
            "diff": DIFF,
            "printed": EVIL,
            "spans": [{"tool": "bash", "started_at": time.time() + 0.21, "seconds": 0.08}, {"tool": 3}, "x"],
        },
        labels=("tiny_text",),
        artifacts=artifacts(url, request),
    )


def broken(request: RolloutRequest) -> Outcome:
    return failed(request, Cause.VERIFIER, ERROR)


async def report_steps(client: httpx.AsyncClient, groups: list[str], token: dict[str, str]) -> None:
    """Two steps of a learner; the first trained `groups`."""
    for step in (1, 2):
        verdicts = [{"group_id": group, "verdict": "trained", "staleness": 1} for group in groups] * (
            step == 1
        )
        metrics = {"loss": 0.3 / step, "entropy": 1.2, "masked_fraction": 0.02, "reward_mean": 0.5}
        report = {"step": step, "weight_version": step, "groups": verdicts, "metrics": metrics}
        body = {**report, "tito_turns": 8, "tito_breaks": 0, "finished_at": time.time()}
        reply = await client.put(f"/v1/steps/{step}", json=body, headers=token)
        assert reply.status_code == 204, reply.text
