"""One model call over the OpenAI wire, and what its failures mean for a rollout."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import stamina

from environments.message import Message, Tool
from services.contracts.cause import Cause
from services.contracts.environment import ModelAccess
from services.contracts.words import new_id
from services.kit.failure import Failure

_GATEWAY_AWAY_S = 120.0
_TOO_MANY = 429
_NOT_NOW = frozenset({"record_not_kept", "unavailable"})  # its store is away: the call itself is all right


class OutOfContext(Exception):
    """The conversation does not fit into the model's context any more."""


@dataclass(frozen=True)
class ToolCall:
    """A tool call as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Reply:
    """What the model said: the message as received, its tool calls, and its cost.

    `context_tokens`: prompt and reply together, as the gateway counted them.
    """

    message: Message
    calls: tuple[ToolCall, ...]
    sampled_tokens: int
    context_tokens: int
    cut_off: bool

    @property
    def words(self) -> str:
        """Its text, "" if it has none."""
        return str(self.message.get("content") or "")

    @property
    def unreadable(self) -> bool:
        """A call that was meant as one, but that nobody could parse, comes as text."""
        return not self.calls and "<tool_call>" in self.words

    @classmethod
    def of(cls, body: Any) -> "Reply":
        """Parse a chat completion. Errors: Failure (engine) if it is none."""
        try:
            choice = body["choices"][0]
            message = choice["message"]
            calls = tuple(
                ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"])
                for call in message.get("tool_calls") or ()
            )
            usage = body.get("usage") or {}
            sampled, total = int(usage.get("completion_tokens", 0)), int(usage.get("total_tokens", 0))
            return cls(message, calls, sampled, total, choice["finish_reason"] == "length")
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise Failure(f"the reply is no chat completion: {error!r}", cause=Cause.ENGINE) from None


class Chat:
    """Model calls of one rollout. `client` is shared by all rollouts."""

    def __init__(self, client: httpx.AsyncClient, model: ModelAccess, tools: list[Tool]) -> None:
        self._client = client
        self._model = model
        self._tools = tools
        self.away: httpx.HTTPError | None = None  # why the last try of a call that goes on did not get there

    async def complete(self, messages: list[Message], max_tokens: int) -> Reply:
        """Errors: OutOfContext; Failure with cause engine, cancelled (fenced) or environment."""
        sampling = self._model.sampling
        body = {
            "model": self._model.name,
            "messages": messages,
            "tools": self._tools,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": min(sampling.max_new_tokens, max_tokens),
        }
        try:
            response = await self._post(body)
        except httpx.HTTPError as error:
            raise Failure(f"the model cannot be reached: {error!r}", cause=Cause.ENGINE) from error
        if response.is_success:
            return Reply.of(response.json())
        raise _failure(response)

    async def _post(self, body: dict[str, Any]) -> httpx.Response:
        """Sent again while the gateway is away; it answers from its record what it has recorded."""
        headers = {"authorization": f"Bearer {self._model.api_key}", "idempotency-key": new_id()}
        url = f"{self._model.base_url.rstrip('/')}/chat/completions"
        async for retry in _retries():
            with retry:
                try:
                    response = await self._client.post(url, json=body, headers=headers)
                except httpx.HTTPError as error:
                    self.away = error
                    raise
                self.away = None
                if (
                    response.status_code == httpx.codes.SERVICE_UNAVAILABLE
                    and _error(response)[1] in _NOT_NOW
                ):
                    response.raise_for_status()
                return response
        raise AssertionError("retries end with a reply or an error")


def _retries() -> AsyncIterator[stamina.Attempt]:
    away = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout, httpx.HTTPStatusError)
    return stamina.retry_context(on=away, attempts=None, timeout=_GATEWAY_AWAY_S, wait_max=2.0)


def _failure(response: httpx.Response) -> Exception:
    """What an error of the gateway means: OpenAI's shape, `{"error": {"message", "code"}}`."""
    message, code = _error(response)
    if code == "context_length_exceeded":
        return OutOfContext(message)
    detail = f"the model call was answered with {response.status_code}: {message}"
    if response.status_code == httpx.codes.FORBIDDEN:
        return Failure(detail, cause=Cause.CANCELLED)
    if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR or response.status_code == _TOO_MANY:
        return Failure(detail, cause=Cause.ENGINE)
    return Failure(detail, cause=Cause.ENVIRONMENT)


def _error(response: httpx.Response) -> tuple[str, str | None]:
    try:
        error = response.json()["error"]
        return str(error["message"]), error.get("code")
    except (ValueError, KeyError, TypeError, AttributeError):
        return response.text[:500], None
