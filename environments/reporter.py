"""Reports outcomes until they are acknowledged: as long as the orchestrator is away, if need be."""

import httpx
import stamina
import structlog

from services.contracts.environment import RolloutRequest
from services.contracts.outcome import Outcome
from services.kit.crash import CrashPoints

log = structlog.get_logger()

_AGAIN = frozenset({408, 425, 429})


class Reporter:
    def __init__(
        self, client: httpx.AsyncClient, longest_wait_s: float = 5.0, crash: CrashPoints | None = None
    ) -> None:
        self._client = client
        self._longest_wait_s = longest_wait_s
        self._crash = crash or CrashPoints()

    async def deliver(self, request: RolloutRequest, outcome: Outcome) -> bool:
        """Put the outcome to the request's report URL; False if the orchestrator does not want it."""
        body = outcome.model_dump_json()
        retries = stamina.retry_context(
            on=httpx.HTTPError,
            attempts=None,
            timeout=None,
            wait_initial=0.1,
            wait_max=self._longest_wait_s,
            wait_jitter=0.5,
        )
        async for retry in retries:
            with retry:
                response = await self._put(request, body)
                if 400 <= response.status_code < 500 and response.status_code not in _AGAIN:
                    return self._refused(request, response)
                response.raise_for_status()
        return True

    async def _put(self, request: RolloutRequest, body: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {request.report_token}", "content-type": "application/json"}
        self._crash.reached("before_outcome")
        response = await self._client.put(request.report_url, content=body, headers=headers)
        self._crash.reached("after_outcome")
        return response

    def _refused(self, request: RolloutRequest, response: httpx.Response) -> bool:
        """Fenced (409) by a newer attempt, or wrong in a way that trying again does not cure."""
        log.warning(
            "outcome_refused",
            rollout_id=request.rollout_id,
            attempt=request.attempt,
            status=response.status_code,
            reply=response.text[:500],
        )
        return False
