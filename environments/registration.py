"""Makes this service known to the orchestrator, and keeps the leases of what it runs alive."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import stamina
import structlog

from environments.runner import Runner
from services.contracts.environment import Heartbeat, HeartbeatReply, Registration
from services.kit.crash import CrashPoints

log = structlog.get_logger()

_MISSING = 404


class Registrar:
    """Registers once the service can be reached, beats every `heartbeat_s`, and registers again if told."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        registration: Registration,
        runner: Runner,
        heartbeat_s: float,
        crash: CrashPoints | None = None,
    ) -> None:
        self._client = client
        self._registration = registration
        self._runner = runner
        self._heartbeat_s = heartbeat_s
        self._crash = crash or CrashPoints()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            beating = tasks.create_task(self.run())
            try:
                yield
            finally:
                beating.cancel()

    async def run(self) -> None:
        """Never returns; the orchestrator may be away for as long as it likes."""
        await self._until_accepted("GET", f"{self._registration.url}/healthz")
        while True:
            self._crash.reached("before_registration")
            await self._until_accepted("POST", "/v1/environments", self._registration.model_dump_json())
            self._crash.reached("after_registration")
            log.info("registered", environment=self._registration.name, url=self._registration.url)
            while await self._beat():  # noqa: ASYNC110
                await asyncio.sleep(self._heartbeat_s)

    async def _until_accepted(self, method: str, url: str, body: str | None = None) -> None:
        retries = stamina.retry_context(
            on=httpx.HTTPError, attempts=None, timeout=None, wait_initial=0.05, wait_max=2.0, wait_jitter=0.2
        )
        async for retry in retries:
            with retry:
                response = await self._client.request(method, url, content=body, headers=_JSON)
                if response.is_error:
                    log.error("not_accepted", url=url, status=response.status_code, reply=response.text[:500])
                response.raise_for_status()

    async def _beat(self) -> bool:
        """Whether the orchestrator knows us. When it cannot be reached we go on as we were."""
        body = Heartbeat(running=self._runner.live()).model_dump_json()
        path = f"/v1/environments/{self._registration.name}/heartbeat"
        self._crash.reached("before_heartbeat")
        try:
            response = await self._client.post(path, content=body, headers=_JSON)
            self._crash.reached("after_heartbeat")
            if response.status_code == _MISSING:
                return False
            response.raise_for_status()
        except httpx.HTTPError as error:
            log.warning("heartbeat_failed", error=repr(error))
            return True
        reply = HeartbeatReply.model_validate_json(response.content)
        self._runner.stop(reply.stop)
        return reply.registered


_JSON = {"content-type": "application/json"}
