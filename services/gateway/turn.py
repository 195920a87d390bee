"""One model call, in the order that is a promise: compose, sample, record, and only then reply."""

import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import msgspec
import xxhash

from services.contracts.words import new_id
from services.gateway.chat_request import Chat
from services.gateway.failures import InvalidRequest, TitoBreak
from services.gateway.fingerprint import Fingerprint
from services.gateway.generation import Generation
from services.gateway.heard import Heard
from services.gateway.history import BranchReason, Call, History
from services.gateway.metrics import GatewayMetrics
from services.gateway.prompt import Prompt, compose, reply_room
from services.gateway.recording import Exchange, Place, record_of, said_in
from services.gateway.sampler import Sampler
from services.gateway.session import Session, Sessions
from services.kit.access import Claims
from services.kit.crash import CrashPoints
from services.rendering.chat import ChatRenderer
from services.rendering.message import Message

Sampling = Coroutine[Any, Any, tuple[Generation, str]]
Hold = Callable[[Sampling], Awaitable[tuple[Generation, str]]]


@dataclass(frozen=True)
class Retry:
    """What a client says of a request that it may have sent before.

    `key` is its `Idempotency-Key`; `again` is true when an OpenAI client says that this is a retry.
    """

    key: str | None = None
    again: bool = False

    def call_id(self, claims: Claims) -> str | None:
        """The call that a key names, the same one after a restart."""
        if self.key is None:
            return None
        return xxhash.xxh3_128_hexdigest(f"{claims.rollout_id} {claims.attempt} {self.key}".encode())


class Turns:
    """Takes turns of any number of rollouts at once."""

    def __init__(
        self,
        sessions: Sessions,
        renderer: ChatRenderer,
        sampler: Sampler,
        metrics: GatewayMetrics,
        context_length: int,
        crash: CrashPoints | None = None,
    ) -> None:
        self._sessions = sessions
        self._renderer = renderer
        self._sampler = sampler
        self._metrics = metrics
        self._context_length = context_length
        self._crash = crash or CrashPoints()

    def heard(self, claims: Claims) -> Heard:
        """What the attempt's requests have said so far."""
        return self._sessions.heard(claims)

    async def take(self, claims: Claims, chat: Chat, retry: Retry, hold: Hold) -> Call:
        """The recorded call that answers `chat`: a new one, or that of the request being retried.

        `hold` runs the sampling and may give it up; what is sampled to its end is always recorded.
        """
        async with self._sessions.session(claims) as session:
            call_id = retry.call_id(claims)
            known = _recorded(session.history, call_id, chat.prints[-1], retry)
            if known is not None:
                self._metrics.replays.inc()
                return known
            call_id = call_id or new_id()
            with session.running(call_id):
                exchange = await self._exchange(session, claims, chat, hold)
                call = await self._keep(session, call_id, exchange)
            self._crash.reached("before_reply")
            return call

    async def _exchange(self, session: Session, claims: Claims, chat: Chat, hold: Hold) -> Exchange:
        started_at, started = time.time(), time.perf_counter()
        with self._metrics.phase("render"):
            prompt = self._compose(chat, session.history)
            room = reply_room(prompt, self._context_length, claims.max_new_tokens, chat.max_new_tokens)
        with self._metrics.phase("engine"):
            before = session.history.engine
            sampling = self._sampler.sample(claims, prompt.input_ids, room, chat.stop, before)
            generation, engine = await hold(sampling)
        with self._metrics.phase("parse"):
            reply = self._reply(chat, prompt, generation)
        seconds = time.perf_counter() - started
        return Exchange(chat, prompt, generation, engine, reply, claims.temperature, started_at, seconds)

    async def _keep(self, session: Session, call_id: str, exchange: Exchange) -> Call:
        with self._metrics.phase("record"):
            index, branch = session.history.reserve(exchange.prompt.parent)
            place = Place(session.rollout_id, session.attempt, call_id, index, branch)
            self._crash.reached("before_append")
            call = await session.keep(record_of(exchange, place), said_in(exchange))
            self._crash.reached("after_append")
        self._count(call, exchange.prompt)
        return call

    def _compose(self, chat: Chat, history: History) -> Prompt:
        try:
            return compose(chat, history, self._renderer)
        except TitoBreak:
            self._metrics.breaks.inc()
            raise

    def _reply(self, chat: Chat, prompt: Prompt, generation: Generation) -> Message:
        sampled = generation.ids.tolist()
        parse = chat.parse_tool_calls
        reply = self._renderer.parse(prompt.input_ids, sampled, chat.tools, tool_calls=parse)
        if generation.stop_text is None or generation.stop_text not in reply.content:
            return reply
        spoken, _, _ = reply.content.rpartition(generation.stop_text)
        return msgspec.structs.replace(reply, content=spoken)

    def _count(self, call: Call, prompt: Prompt) -> None:
        header = call.header
        self._metrics.turns.inc()
        self._metrics.tokens.labels("prompt").inc(header.prompt_tokens)
        self._metrics.tokens.labels("sampled").inc(header.sampled_tokens)
        reason = prompt.apart
        if prompt.parent is not None and header.branch != prompt.parent.header.branch:
            reason = BranchReason.SIBLING
        if reason is not None:
            self._metrics.branches.labels(reason).inc()


def _recorded(history: History, call_id: str | None, asked: Fingerprint, retry: Retry) -> Call | None:
    """The call whose reply a retrying client has not seen, if there is one."""
    if call_id is not None:
        known = history.get(call_id)
        if known is not None and known.asked != asked:
            raise InvalidRequest("this idempotency key came with another request", field="Idempotency-Key")
        return known
    return history.unanswered(asked) if retry.again else None
