"""Sandboxes that a sandbox host opens for us: the same interface, by HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
from pydantic import ValidationError

from services.contracts.problem import Problem
from services.kit.failure import Forbidden, Missing, Refused, Unavailable
from services.kit.http import http_client
from services.sandbox.bubblewrap import refuse_beyond_bubblewrap
from services.sandbox.docker.refusals import refuse_beyond_docker
from services.sandbox.dockerfile import Dockerfile
from services.sandbox.folder import digest_of, folder_archive
from services.sandbox.port import Blueprint, BoxOverrun, CommandResult, Limits, Sandbox, SandboxFailure
from services.sandbox.wire import (
    CommandReply,
    CommandRequest,
    HostCard,
    OpenReply,
    OpenRequest,
    WireBlueprint,
    WireLimits,
)

_CALL_S = 120.0
_CHUNK = 1 << 18
_OPEN_S = 300.0
_TRIES = 120  # of a host that is full, a second apart


class RemoteSandbox:
    """One box of a host."""

    def __init__(self, client: httpx.AsyncClient, opened: OpenReply) -> None:
        self._client = client
        self._path = f"/v1/sandboxes/{opened.id}"
        self.workdir = opened.workdir

    async def run(self, command: str, timeout_s: float, user: str | None = None) -> CommandResult:
        plain = command.replace("\0", "").encode(errors="replace").decode()
        asked = CommandRequest(command=plain, timeout_s=timeout_s, user=user).model_dump(mode="json")
        response = await _call(
            self._client, "POST", f"{self._path}/commands", json=asked, timeout=timeout_s + _CALL_S
        )
        return CommandResult(**dict(CommandReply.model_validate_json(response.content)))

    async def reset(self) -> None:
        await _call(self._client, "POST", f"{self._path}/reset")

    async def put(self, archive: bytes, path: str) -> None:
        await _call(
            self._client, "PUT", f"{self._path}/files", params={"path": path}, content=_chunks(archive)
        )

    async def get(self, path: str) -> bytes:
        response = await _call(self._client, "GET", f"{self._path}/files", params={"path": path})
        return response.content

    async def tree(self) -> bytes:
        return (await _call(self._client, "GET", f"{self._path}/tree")).content

    async def hold(self, lease_s: float) -> None:
        """Renew the lease for as long as we want the box. A host that is away is met by the next call."""
        while True:
            await asyncio.sleep(lease_s / 3)
            with suppress(SandboxFailure, Missing):
                await _call(self._client, "POST", f"{self._path}/lease", timeout=lease_s)

    async def close(self) -> None:
        with suppress(SandboxFailure):  # its lease runs out
            await _call(self._client, "DELETE", self._path)


class HostSandboxes:
    """Opens boxes at the host of `url`, with a token of scope `sandbox`."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token
        self._client = http_client(base_url=url, token=token, timeout_s=_CALL_S)
        self._card: HostCard | None = None

    async def verify(self) -> None:
        """Asks the host of which kind it is; it has proved the hardening when it started."""
        async with http_client(base_url=self._url, token=self._token, timeout_s=10) as client:
            try:
                response = await _call(client, "GET", "/v1/host")
            except (SandboxFailure, Forbidden) as failure:
                raise Unavailable(f"the sandbox host {self._url} is of no use: {failure.detail}") from None
        self._card = HostCard.model_validate_json(response.content)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self._client:
            yield

    def check(self, blueprint: Blueprint) -> None:
        if self._card is None:
            return
        if blueprint.compose is not None:
            detail = f"compose = {blueprint.compose}: a sandbox host opens no services beside a box"
            remedy = "give this environment a Docker Engine of its own (sandbox = docker)"
            raise Refused(detail, field="compose", value=blueprint.compose, remedy=remedy)
        if self._card.kind == "bubblewrap":
            refuse_beyond_bubblewrap(blueprint)
            Dockerfile.read(blueprint.folder)
        else:
            refuse_beyond_docker(blueprint, self._card.hostile_runtime, self._card.runtimes)

    @asynccontextmanager
    async def accompanied(self, blueprint: Blueprint, limits: Limits) -> AsyncIterator[Blueprint]:
        yield blueprint

    @asynccontextmanager
    async def open(
        self, blueprint: Blueprint, limits: Limits, tree: bytes | None = None
    ) -> AsyncIterator[Sandbox]:
        opened = await self._opened(blueprint, limits, tree)
        box = RemoteSandbox(self._client, opened)
        holding = asyncio.create_task(box.hold(opened.lease_s))
        try:
            yield box
        finally:
            holding.cancel()
            await asyncio.shield(box.close())

    async def _opened(self, blueprint: Blueprint, limits: Limits, tree: bytes | None) -> OpenReply:
        folder = await asyncio.to_thread(folder_archive, blueprint.folder)
        request = OpenRequest(
            blueprint=WireBlueprint.of(blueprint, await self._sent(folder)),
            limits=WireLimits(**vars(limits)),
            tree=None if tree is None else await self._sent(tree),
        )
        timeout = limits.build_s + _OPEN_S
        for _ in range(_TRIES):
            response = await _answer(
                self._client, "POST", "/v1/sandboxes", json=request.model_dump(mode="json"), timeout=timeout
            )
            if response.status_code != 429:
                return OpenReply.model_validate_json(_checked(response).content)
            await asyncio.sleep(1.0)
        raise SandboxFailure(f"the sandbox host {self._url} stays full")

    async def _sent(self, archive: bytes) -> str:
        """The digest of an archive that the host has now."""
        digest = digest_of(archive)
        answer = await _answer(self._client, "GET", f"/v1/archives/{digest}")
        if answer.status_code == 404:
            await _call(self._client, "PUT", f"/v1/archives/{digest}", content=_chunks(archive))
        else:
            _checked(answer)
        return digest


async def _chunks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), _CHUNK):
        yield data[start : start + _CHUNK]


async def _call(client: httpx.AsyncClient, method: str, path: str, **more: Any) -> httpx.Response:
    """Errors: SandboxFailure, Refused, Missing, Forbidden, as the host says."""
    return _checked(await _answer(client, method, path, **more))


async def _answer(client: httpx.AsyncClient, method: str, path: str, **more: Any) -> httpx.Response:
    try:
        return await client.request(method, path, **more)
    except httpx.HTTPError as error:
        raise SandboxFailure(f"the sandbox host does not answer: {error!r}") from error


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        raise SandboxFailure(f"the sandbox host answered {response.status_code}") from None
    told: dict[str, Any] = {"field": problem.field, "value": problem.value, "remedy": problem.remedy}
    match response.status_code:
        case 401 | 403:
            raise Forbidden(problem.detail, status=response.status_code, **told)
        case 404 if problem.field == "path":
            raise Missing(problem.detail, **told)
        case 413 | 422:
            raise Refused(problem.detail, status=response.status_code, **told)
        case BoxOverrun.status:
            raise BoxOverrun(problem.detail, remedy=problem.remedy)
    raise SandboxFailure(problem.detail, remedy=problem.remedy)
