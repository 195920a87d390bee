"""Asking an environment that registers what it offers."""

import asyncio

import httpx
from pydantic import ValidationError

from services.contracts.environment import CONTRACT, Manifest, Registration
from services.kit.failure import Refused, Unavailable
from services.kit.http import AddressNotAllowed

_MANIFEST_TIMEOUT_S = 10.0
_MOST_BYTES = 1_048_576


async def read_manifest(client: httpx.AsyncClient, registration: Registration) -> Manifest:
    """Raises Refused for an address or a manifest that will not do, Unavailable if nobody answers."""
    url = registration.url
    address = f"{url.rstrip('/')}/v1/manifest"
    headers = {"authorization": f"Bearer {registration.dispatch_token}"}
    try:
        status, content = await _answer(client, address, headers)
    except AddressNotAllowed as error:
        raise Refused(
            str(error), field="url", value=url, remedy="give a public address, or have its network allowed"
        ) from error
    except (httpx.HTTPError, TimeoutError) as error:
        raise Unavailable(
            f"nobody answers at {address}: {error!r}",
            field="url",
            value=url,
            remedy="start the environment before it is registered",
            retry_after_s=1,
        ) from error
    if status != 200:
        raise Refused(
            f"{address} answers {status}",
            field="url",
            value=url,
            remedy="serve a manifest there",
        )
    return _parsed(content, address)


async def _answer(client: httpx.AsyncClient, address: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """Status and body, within a time and of a size that a manifest has: whoever registers chose the
    server."""
    content = b""
    async with (
        asyncio.timeout(_MANIFEST_TIMEOUT_S),
        client.stream("GET", address, headers=headers) as response,
    ):
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > _MOST_BYTES:
                detail = f"{address} answers with more than {_MOST_BYTES} bytes"
                raise Refused(detail, field="url", value=address, remedy="serve a manifest there")
    return response.status_code, content


def _parsed(content: bytes, address: str) -> Manifest:
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        field_name = ".".join(str(part) for part in first["loc"]) or "manifest"
        raise Refused(
            f"the manifest at {address}: {field_name}: {first['msg']}",
            field=field_name,
            value=first.get("input"),
            remedy=f"serve a manifest of contract {CONTRACT}",
        ) from error
