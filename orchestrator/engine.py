"""One engine's control plane: SGLang's HTTP API as far as the fleet needs it."""

from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from services.contracts.weights import WeightAnnouncement

UpdateMode = Literal["in_place", "retract"]
_ASK_S = 5.0


class EngineFailure(Exception):
    """An engine does not answer, or answers with something else than asked."""


@dataclass(frozen=True)
class EngineLoad:
    """What an engine has to do: requests running and waiting, and sampled tokens a second."""

    running: int = 0
    waiting: int = 0
    tokens_per_s: float = 0.0


@dataclass(frozen=True)
class EngineKeys:
    """What engines ask for, as SGLang has it: one key, and one of its own for control if there is one."""

    api: str | None = field(default=None, repr=False)
    admin: str | None = field(default=None, repr=False)

    def headers(self, method: str) -> dict[str, str]:
        key = self.admin or self.api if method == "POST" else self.api
        return {} if key is None else {"authorization": f"Bearer {key}"}


class EngineControl:
    """Calls to one engine: asked with GET, controlled with POST. Every method raises EngineFailure."""

    def __init__(
        self, client: httpx.AsyncClient, url: str, update_timeout_s: float, keys: EngineKeys = EngineKeys()
    ) -> None:
        self._keys = keys
        self._client = client
        self._url = url
        self._update_timeout_s = update_timeout_s

    async def version(self) -> int:
        """The weights that it holds; "default", which it was started with, counts as 0."""
        said = (await self._call("GET", "/model_info")).get("weight_version")
        if said in (None, "default"):
            return 0
        try:
            return int(said)
        except (TypeError, ValueError):
            raise EngineFailure(f"its weight version {said!r} is no number") from None

    async def load(self) -> EngineLoad:
        ranks = (await self._call("GET", "/v1/loads?include=core")).get("loads") or []
        return EngineLoad(
            running=sum(int(rank.get("num_running_reqs", 0)) for rank in ranks),
            waiting=sum(int(rank.get("num_waiting_reqs", 0)) for rank in ranks),
            tokens_per_s=sum(float(rank.get("gen_throughput", 0.0)) for rank in ranks),
        )

    async def pause(self, mode: UpdateMode) -> None:
        """Requests in flight stay: frozen (`in_place`), or back in its queue (`retract`)."""
        await self._call("POST", "/pause_generation", {"mode": mode})

    async def resume(self) -> None:
        await self._call("POST", "/continue_generation", {})

    async def update(self, weights: WeightAnnouncement, *, flush_cache: bool) -> None:
        """Load weights. The cache cannot be flushed under requests that run (`in_place`)."""
        body = {
            "model_path": weights.path,
            "weight_version": str(weights.version),
            "flush_cache": flush_cache,
            "abort_all_requests": False,
        }
        reply = await self._call("POST", "/update_weights_from_disk", body, self._update_timeout_s)
        if not reply.get("success"):
            raise EngineFailure(f"it did not load {weights.path}: {reply.get('message')}")

    async def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, timeout_s: float = _ASK_S
    ) -> dict[str, Any]:
        try:
            response = await self._client.request(
                method, self._url + path, json=body, timeout=timeout_s, headers=self._keys.headers(method)
            )
            if response.status_code != 200:
                raise EngineFailure(f"{path} answers {response.status_code}: {response.text[:500]}")
            reply = response.json()
        except httpx.HTTPError as error:
            raise EngineFailure(f"{path}: {error!r}") from error
        except ValueError as error:
            raise EngineFailure(f"{path} does not answer with JSON: {error}") from error
        if not isinstance(reply, dict):
            raise EngineFailure(f"{path} does not answer with an object")
        return reply
