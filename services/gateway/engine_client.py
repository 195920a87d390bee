"""The connections to engines: aiohttp as it is, which is twice as fast here as any wrapper around it."""

from types import TracebackType

import msgspec
from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientOSError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    ServerDisconnectedError,
    TCPConnector,
)

from services.gateway.failures import EngineRefused
from services.gateway.generation import (
    ConnectionLost,
    EngineFault,
    GenerateRequest,
    Generation,
    read_generation,
)
from services.kit.tls import NO_TLS, Tls

_encode = msgspec.json.Encoder().encode
_KEEP_ALIVE_S = 4  # SGLang closes an idle connection after five seconds
_JSON = {"content-type": "application/json"}


class EngineClient:
    """Posts `/generate` and checks what comes back; open it with `async with`."""

    def __init__(
        self,
        vocabulary_size: int,
        timeout_s: float,
        connections: int = 8192,
        tls: Tls = NO_TLS,
        key: str | None = None,
    ) -> None:
        self._vocabulary_size = vocabulary_size
        self._timeout_s = timeout_s
        self._connections = connections
        self._tls = tls
        self._headers = _JSON if key is None else {**_JSON, "authorization": f"Bearer {key}"}
        self._session: ClientSession | None = None

    async def __aenter__(self) -> "EngineClient":
        connector = TCPConnector(
            limit=self._connections, keepalive_timeout=_KEEP_ALIVE_S, ssl=self._tls.client_context()
        )
        timeout = ClientTimeout(total=self._timeout_s, sock_connect=10)
        self._session = ClientSession(connector=connector, timeout=timeout, cookie_jar=DummyCookieJar())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def generate(self, url: str, request: GenerateRequest) -> Generation:
        """Raises EngineFault if another try may help and EngineRefused (502) if none will.

        Cancelling closes the connection, on which SGLang aborts the request.
        """
        assert self._session is not None, "the client is not open"
        try:
            async with self._session.post(
                f"{url}/generate", data=_encode(request), headers=self._headers
            ) as reply:
                status, body = reply.status, await reply.read()
        except (ClientError, TimeoutError, OSError) as error:
            raise (ConnectionLost if _was_open(error) else EngineFault)(f"{url}: {error!r}") from None
        if 400 <= status < 500 and status not in (408, 429):
            raise EngineRefused(f"the engine refused the request: {body[:500].decode(errors='replace')}")
        if status != 200:
            raise EngineFault(f"{url}: status {status}: {body[:200].decode(errors='replace')}")
        return read_generation(body, self._vocabulary_size, request.sampling_params.max_new_tokens)


def _was_open(error: BaseException) -> bool:
    return isinstance(error, ServerDisconnectedError | ClientOSError) and not isinstance(
        error, ClientConnectorError
    )
