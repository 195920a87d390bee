"""Files that attempts left with their environment, fetched for people who look at a rollout."""

import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from orchestrator.environment import Environment
from orchestrator.reading import RolloutDetail
from orchestrator.registry import Registry
from services.contracts.outcome import Artifact
from services.kit.failure import Missing, Unavailable

_LONGEST_S = 10.0
_MOST_BYTES = 16 * 2**20


@dataclass(frozen=True)
class File:
    """What an environment has under an artifact's name. Nobody vouches for what is in it."""

    media_type: str
    data: bytes


class Artifacts:
    """Asks environments, and nobody else: whatever host an outcome names, only its path counts."""

    def __init__(self, registry: Registry, client: httpx.AsyncClient) -> None:
        self._registry = registry
        self._client = client

    async def fetch(self, detail: RolloutDetail, attempt: int, name: str) -> File:
        """Raises Missing, or Unavailable if the environment does not answer."""
        artifact = _artifact(detail, attempt, name)
        environment = self._registry.named(detail.environment)
        data = await self._read(environment, artifact)
        if artifact.sha256 and hashlib.sha256(data).hexdigest() != artifact.sha256:
            raise Missing(f"{name} is no longer what was reported", field="name", value=name)
        return File(artifact.media_type, data)

    async def _read(self, environment: Environment, artifact: Artifact) -> bytes:
        address = _address(environment, artifact)
        headers = {"authorization": f"Bearer {environment.dispatch_token}"}
        try:
            async with self._client.stream("GET", address, headers=headers, timeout=_LONGEST_S) as reply:
                if reply.status_code != 200:
                    raise Missing(f"its environment answers {reply.status_code}", field="name", value=address)
                return await _bounded(reply, artifact)
        except httpx.HTTPError as error:
            raise Unavailable(f"its environment does not answer: {error!r}", retry_after_s=1) from error


def _artifact(detail: RolloutDetail, attempt: int, name: str) -> Artifact:
    for ended in detail.attempts:
        for artifact in ended.artifacts or ():
            if (ended.attempt, artifact.name) == (attempt, name):
                return artifact
    raise Missing(
        f"attempt {attempt} of rollout {detail.rollout_id} left no {name!r}", field="name", value=name
    )


def _address(environment: Environment, artifact: Artifact) -> str:
    """The artifact's path at the address under which its environment is registered now."""
    registered, said = urlsplit(environment.url), urlsplit(artifact.url)
    return f"{registered.scheme}://{registered.netloc}{said.path}"


async def _bounded(reply: httpx.Response, artifact: Artifact) -> bytes:
    data = bytearray()
    async for part in reply.aiter_bytes():
        data += part
        if len(data) > _MOST_BYTES:
            raise Missing(
                f"{artifact.name} is larger than {_MOST_BYTES} bytes", field="name", value=artifact.name
            )
    return bytes(data)
