"""A Docker Engine, for an event loop: the SDK's blocking calls run in threads, its errors get an address."""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from docker import APIClient
from docker.errors import APIError, DockerException, NotFound
from docker.utils import kwargs_from_env
from requests.exceptions import RequestException

from services.kit.failure import Unavailable
from services.sandbox.port import SandboxFailure

_THREADS = 32
_CALL_S = 120
_GONE_S = 20.0

Result = TypeVar("Result")


@dataclass(frozen=True)
class Facts:
    """What an engine says of itself."""

    version: str
    runtimes: tuple[str, ...]
    lacks: tuple[str, ...]  # of what a box needs
    storage_quota: bool


class Engine:
    """One Docker Engine, as DOCKER_HOST names it. Errors of making it: Unavailable."""

    def __init__(self) -> None:
        try:
            self.api: Any = APIClient(
                **kwargs_from_env(), version="auto", timeout=_CALL_S, max_pool_size=_THREADS
            )
            self.facts = _facts(self.api.info())
        except (DockerException, RequestException) as error:
            remedy = "start one, or point DOCKER_HOST at one"
            raise Unavailable(f"no Docker Engine answers: {error}", remedy=remedy) from None
        self._threads = ThreadPoolExecutor(_THREADS, "docker")

    async def call(self, method: str, *arguments: object, **named: object) -> Any:
        """One call of the SDK's API client. Errors: SandboxFailure with what the engine said."""
        return await self.work(partial(getattr(self.api, method), *arguments, **named))

    async def work(self, blocking: Callable[[], Result]) -> Result:
        """Several calls in one thread. Errors: SandboxFailure."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, blocking)
        except APIError as error:
            raise SandboxFailure(f"Docker: {error.explanation or error}") from error
        except (DockerException, RequestException) as error:
            raise SandboxFailure(f"Docker: {error}") from error

    async def attached(self, container: str) -> socket.socket:
        """The container's input and output, which end with the connection. Ask before it starts."""
        params = {"stdin": 1, "stdout": 1, "stderr": 0, "stream": 1}
        return _own(await self.call("attach_socket", container, params=params))

    async def executed(self, execution: str) -> socket.socket:
        """The input and output of a program that is started now."""
        return _own(await self.call("exec_start", execution, socket=True))

    async def remove(self, container: str) -> None:
        """Kill it and wait until it is gone; nothing, if it is gone already. Errors: SandboxFailure."""

        def gone() -> bool:
            try:
                self.api.remove_container(container, force=True, v=True)
            except NotFound:
                return True
            except APIError as error:
                if error.status_code != 409:  # its removal is in progress
                    raise
            return False

        async with asyncio.timeout(_GONE_S):
            while not await self.work(gone):  # noqa: ASYNC110 - the engine tells nobody when it is done
                await asyncio.sleep(0.02)

    def has(self, container: str, path: str) -> bool:
        """Whether there is anything at a path. Blocks. Errors: RequestException."""
        url = self.api._url("/containers/{0}/archive", container)
        return bool(self.api.head(url, params={"path": path}).ok)

    def occurrences(self, word: bytes, container: str, question: str) -> int:
        """How often a word is in an answer about a container, however long that is. Blocks."""
        found, before = 0, b""
        url = self.api._url(f"/containers/{{0}}/{question}", container)
        with self.api.get(url, stream=True, timeout=_CALL_S) as reply:
            for chunk in reply.iter_content(1 << 16):
                text = before + chunk
                found, before = found + text.count(word), text[1 - len(word) :]
        return found

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.api.close()


def _own(found: Any) -> socket.socket:
    """The SDK hands out a file over the socket, whose connection it would pool; a second handle is ours."""
    raw: socket.socket = getattr(found, "_sock", found)
    mine = raw.dup()
    found.close()
    raw.close()
    return mine


def _facts(info: dict[str, Any]) -> Facts:
    wanted = {
        "a seccomp filter": any("name=seccomp" in option for option in info.get("SecurityOptions") or ()),
        "limits on memory": info.get("MemoryLimit"),
        "limits on processes": info.get("PidsLimit"),
        "limits on CPU": info.get("CpuCfsQuota"),
    }
    status = {str(key): str(value) for key, value in info.get("DriverStatus") or ()}
    return Facts(
        version=str(info.get("ServerVersion")),
        runtimes=tuple(info.get("Runtimes") or ()),
        lacks=tuple(name for name, present in wanted.items() if not present),
        storage_quota=info.get("Driver") == "overlay2" and status.get("Backing Filesystem") == "xfs",
    )
