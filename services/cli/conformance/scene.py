"""An environment under examination, with the orchestrator and the model that it is made to believe in."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from fastapi import FastAPI
from pydantic import ValidationError

from services.cli.conformance.ear import Ear, Ref
from services.cli.conformance.findings import Broken, Skipped
from services.cli.conformance.model import Script, ScriptedModel, done
from services.contracts.environment import Manifest, ModelAccess, Registration, RolloutRequest, TaskRef
from services.contracts.outcome import Outcome
from services.contracts.words import new_id
from services.kit.http import http_client
from services.kit.serve import serving

MODEL_NAME = "scripted"


@dataclass(frozen=True)
class Place:
    """Where the environment is, and where it is told that orchestrator and model are.

    `plays_orchestrator`: the environment was started with our address as its orchestrator's, so that its
    registration and heartbeats come here. `grace_s` is how late something that is due may come.
    """

    url: str
    token: str | None = None
    host: str = "127.0.0.1"
    port: int = 0
    plays_orchestrator: bool = False
    patience_s: float = 60.0
    grace_s: float = 20.0


@dataclass
class Scene:
    """What the checks see. Rollouts that a check leaves running are cancelled by `settle`."""

    place: Place
    client: httpx.AsyncClient
    address: str
    ear: Ear
    model: ScriptedModel
    manifest: Manifest | None = None
    started: dict[Ref, RolloutRequest] = field(default_factory=dict)

    def offered(self) -> Manifest:
        """What the environment offers. Raises Skipped while its manifest is not in order."""
        if self.manifest is None:
            raise Skipped("the manifest is not in order")
        return self.manifest

    def task(self) -> TaskRef:
        """A task to play: the first of the first split that has one. Raises Skipped."""
        splits = [name for name, tasks in sorted(self.offered().splits.items()) if tasks]
        if not splits:
            raise Skipped("no split has a task")
        return TaskRef(split="train" if "train" in splits else splits[0], index=0)

    def request(
        self,
        script: Script = done,
        *,
        deadline_s: float | None = None,
        attempt: int = 1,
        of: str | None = None,
    ) -> RolloutRequest:
        """A rollout to ask for, whose model calls `script` answers."""
        rollout_id, key = of or new_id(), f"key-{secrets.token_urlsafe(16)}"
        self.model.scripts[key] = script
        return RolloutRequest(
            rollout_id=rollout_id,
            attempt=attempt,
            task=self.task(),
            model=ModelAccess(base_url=f"{self.address}/v1", api_key=key, name=MODEL_NAME),
            deadline_s=deadline_s or self.place.patience_s,
            report_url=f"{self.address}/v1/rollouts/{rollout_id}/attempts/{attempt}/outcome",
            report_token=f"report-{secrets.token_urlsafe(16)}",
        )

    async def start(self, request: RolloutRequest) -> httpx.Response:
        ref = (request.rollout_id, request.attempt)
        known = ref in self.started
        self.started[ref] = request
        reply = await self.client.post("/v1/rollouts", content=request.model_dump_json(), headers=_JSON)
        if reply.is_client_error and not known:
            del self.started[ref]  # who refuses owes no report
        return reply

    async def accepted(self, request: RolloutRequest) -> RolloutRequest:
        """Start a rollout. Raises Broken unless it is accepted."""
        reply = await self.start(request)
        if reply.status_code != 202:
            raise Broken(f"POST /v1/rollouts answered {described(reply)}")
        return request

    async def outcome(
        self, request: RolloutRequest, number: int = 1, timeout_s: float | None = None
    ) -> Outcome:
        """An attempt's outcome in its report of that number. Raises Broken if it does not come or fit."""
        wait_s = timeout_s or self.place.patience_s
        reports = self.ear.reports[(request.rollout_id, request.attempt)]
        report = await self.ear.nth(reports, number, wait_s)
        if report is None:
            raise Broken(f"no PUT number {number} to report_url within {wait_s:g} s")
        if report.authorization != f"Bearer {request.report_token}":
            raise Broken("the report does not carry report_token as its bearer token")
        try:
            return Outcome.model_validate_json(report.body)
        except ValidationError as error:
            raise Broken(f"the reported outcome does not fit: {first_of(error)}") from error

    async def called(self, request: RolloutRequest) -> bool:
        """Whether the rollout has come to ask the model, in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.place.patience_s):
                while not self.model.calls[request.model.api_key]:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        return bool(self.model.calls[request.model.api_key])

    async def settle(self) -> None:
        """End what a check has left running, so that the next finds all slots free."""
        open_refs = [ref for ref in self.started if not self.ear.reports[ref]]
        for rollout_id in {ref[0] for ref in open_refs}:
            with contextlib.suppress(httpx.HTTPError):
                await self.client.delete(f"/v1/rollouts/{rollout_id}")
        for ref in open_refs:
            await self.ear.nth(self.ear.reports[ref], 1, self.place.grace_s)
        self.started.clear()


@contextlib.asynccontextmanager
async def scene(place: Place) -> AsyncIterator[Scene]:
    """A scene whose orchestrator and model are served meanwhile.

    When it plays the orchestrator, it waits for the registration and takes the dispatch token from it.
    """
    ear, model = Ear(), ScriptedModel()
    app = FastAPI()
    ear.mount(app)
    model.mount(app)
    with TemporaryDirectory(prefix="podium-check-") as folder:
        ready = Path(folder) / "ready"
        async with serving(app, place.host, place.port, ready):
            while not ready.exists():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            token = place.token or await _registered_token(place, ear)
            try:
                async with http_client(base_url=place.url, token=token, timeout_s=30.0) as client:
                    yield Scene(place, client, ready.read_text(), ear, model)
            finally:
                model.over.set()


async def _registered_token(place: Place, ear: Ear) -> str | None:
    if not place.plays_orchestrator:
        return None
    body = await ear.nth(ear.registrations, 1, place.patience_s)
    try:
        return Registration.model_validate_json(body or b"").dispatch_token or None
    except ValidationError:
        return None  # the check of the registration says so


def described(reply: httpx.Response) -> str:
    """A reply in a sentence."""
    text = reply.text.strip().replace("\n", " ")
    return f"{reply.status_code} {text[:200]}".strip()


def first_of(error: ValidationError) -> str:
    """The first thing that does not fit, with its place."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "body"
    return f"{place}: {first['msg']} (found {str(first.get('input'))[:100]!r})"


_JSON = {"content-type": "application/json"}
