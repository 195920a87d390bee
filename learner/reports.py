"""Step reports on their way to the orchestrator, sent beside training and until they arrive."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

import httpx
import structlog

from services.contracts.step import StepReport

log = structlog.get_logger()

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
_WORTH_ANOTHER_TRY = frozenset({401, 403, 408, 425, 429})


class Reporter:
    """Sends reports in order. A report stays in `pending`, and so in checkpoints, until it is confirmed."""

    def __init__(self, http: httpx.AsyncClient, flush_s: float = 3.0) -> None:
        self._http = http
        self._flush_s = flush_s
        self._pending: dict[int, StepReport] = {}
        self._arrived = asyncio.Event()
        self._all_sent = asyncio.Event()

    @property
    def pending(self) -> tuple[StepReport, ...]:
        return tuple(self._pending.values())

    def submit(self, reports: Iterable[StepReport]) -> None:
        self._pending.update({report.step: report for report in reports})
        self._arrived.set()
        self._all_sent.clear()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send in the background; on leaving, wait at most `flush_s` seconds for what is pending."""
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(self._send_forever())
            try:
                yield
            finally:
                self._arrived.set()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._all_sent.wait(), self._flush_s)
                sending.cancel()

    async def _send_forever(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._pending:
                report = next(iter(self._pending.values()))
                await self._send(report)
                del self._pending[report.step]
            self._all_sent.set()

    async def _send(self, report: StepReport) -> None:
        """PUT a report until it is answered; a refusal that cannot change is logged and final."""
        pause_s = _FIRST_PAUSE_S
        while (refusal := await self._try(report)) is not None:
            log.warning("report_not_taken", step=report.step, reason=refusal)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _try(self, report: StepReport) -> str | None:
        """None once the report is dealt with, else why it is to be sent again."""
        try:
            reply = await self._http.put(f"/v1/steps/{report.step}", json=report.model_dump(mode="json"))
        except httpx.HTTPError as error:
            return repr(error)
        if reply.is_success:
            return None
        if reply.is_server_error or reply.status_code in _WORTH_ANOTHER_TRY:
            return f"{reply.status_code}: {reply.text[:300]}"
        log.error("report_refused", step=report.step, status=reply.status_code, reason=reply.text[:2000])
        return None
