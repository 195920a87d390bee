"""A model behind an OpenAI-compatible endpoint, for judging, building and extracting; never the policy."""

from dataclasses import dataclass
from typing import Any, Protocol

import httpx
import stamina

from environments.message import Message, Tool
from services.kit.failure import Unavailable

_RETRIED = frozenset({408, 409, 429, 500, 502, 503, 504})


class Chat(Protocol):
    """One reply to a conversation."""

    async def reply(
        self, messages: list[Message], tools: list[Tool] | None = None, temperature: float = 0.0
    ) -> Message:
        """The assistant's message. Errors: Unavailable when there is none."""


class _Again(Exception):
    """An answer worth asking for again."""


@dataclass(frozen=True)
class ChatEndpoint:
    """`POST {base_url}/chat/completions`, asked again on timeouts, 429 and 5xx."""

    client: httpx.AsyncClient
    base_url: str
    model: str
    api_key: str = ""
    attempts: int = 4
    timeout_s: float = 120.0

    async def reply(
        self, messages: list[Message], tools: list[Tool] | None = None, temperature: float = 0.0
    ) -> Message:
        body: dict[str, Any] = {"model": self.model, "messages": messages, "temperature": temperature}
        if tools:
            body["tools"] = tools
        try:
            async for attempt in stamina.retry_context(
                on=(_Again, httpx.TransportError), attempts=self.attempts, timeout=None, wait_initial=0.2
            ):
                with attempt:
                    return await self._ask(body)
        except (_Again, httpx.TransportError) as error:
            raise Unavailable(
                f"the model {self.model} at {self.base_url} does not answer: {error!r}"
            ) from error
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _ask(self, body: dict[str, Any]) -> Message:
        response = await self.client.post(
            f"{self.base_url.rstrip('/')}/chat/completions",
            json=body,
            headers={"authorization": f"Bearer {self.api_key}"} if self.api_key else {},
            timeout=self.timeout_s,
        )
        if response.status_code in _RETRIED:
            raise _Again(f"status {response.status_code}")
        try:
            response.raise_for_status()
            message = response.json()["choices"][0]["message"]
            return {"role": "assistant", **message}
        except (httpx.HTTPStatusError, ValueError, KeyError, IndexError, TypeError) as error:
            raise Unavailable(f"the model {self.model} at {self.base_url}: {error!r}") from error
