"""How much one client may send: the size of a body, requests a second of a token, guesses of a stranger.

A token that has been let in has a bucket of its own, so that nobody's haste slows another. Whoever shows
none that was draws refusals from the bucket of its address.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kit.failure import Failure, Refused, Unavailable
from services.kit.problems import problem_of, problem_response

_MOST_BUCKETS = 50_000
_LONGEST_TOKEN = 8_192
_UNAUTHORIZED = 401


@dataclass(frozen=True)
class LimitRules:
    """Rates are requests a second, sustained; as a burst, `burst_s` seconds' worth at once. 0: no limit."""

    body_bytes: int = 8_388_608
    requests_s: float = 500.0
    refusals_s: float = 20.0
    burst_s: float = 5.0


class Buckets:
    """A bucket fills at `rate` a second, up to `burst`; those used longest ago are forgotten."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __contains__(self, key: str) -> bool:
        return key in self._levels

    def wait_s(self, key: str, now: float) -> float:
        """Seconds until one may be drawn; 0 if now."""
        return 0.0 if self._rate == 0 else max(0.0, (1.0 - self._level(key, now)) / self._rate)

    def draw(self, key: str, now: float) -> None:
        self._levels[key] = (max(0.0, self._level(key, now) - 1.0), now)
        self._levels.move_to_end(key)
        if len(self._levels) > _MOST_BUCKETS:
            self._levels.popitem(last=False)

    def _level(self, key: str, now: float) -> float:
        level, then = self._levels.get(key, (self._burst, now))
        return min(self._burst, level + (now - then) * self._rate)


class Limits:
    """Middleware that answers 413, 429 and 431 before the app is troubled."""

    def __init__(self, app: ASGIApp, rules: LimitRules) -> None:
        self._app = app
        self._most = rules.body_bytes
        self._known = Buckets(rules.requests_s, max(1.0, rules.requests_s * rules.burst_s))
        self._strangers = Buckets(rules.refusals_s, max(1.0, rules.refusals_s * rules.burst_s))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        token = headers.get("authorization", "")
        stranger = (scope.get("client") or ("",))[0]
        now = time.monotonic()
        if refusal := self._refusal(headers, token, stranger, now):
            await problem_response(problem_of(refusal), refusal.retry_after_s)(scope, receive, send)
            return

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and token:
                if message["status"] == _UNAUTHORIZED:
                    self._strangers.draw(stranger, now)
                else:
                    self._known.draw(token, now)
            await send(message)

        counted = receive if "content-length" in headers else self._counted(receive)
        await self._app(scope, counted, watched)

    def _refusal(self, headers: Headers, token: str, stranger: str, now: float) -> Failure | None:
        if len(token) > _LONGEST_TOKEN:
            return Refused(f"the token has {len(token)} characters", status=431, field="authorization")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self._most:
            detail, remedy = f"the body has {length} bytes", f"send at most {self._most}"
            return Refused(detail, status=413, field="body", remedy=remedy)
        known = token in self._known
        wait_s = self._known.wait_s(token, now) if known else self._strangers.wait_s(stranger, now)
        if wait_s == 0 or not token:
            return None
        what = "requests with this token" if known else "tokens refused from this address"
        return Unavailable(
            f"too many {what}", status=429, remedy="wait, and ask less often", retry_after_s=wait_s
        )

    def _counted(self, receive: Receive) -> Receive:
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._most:
                raise HTTPException(413, f"the body has more than {self._most} bytes")
            return message

        return counted
