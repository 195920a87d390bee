"""Asking an environment that registers what it offers."""

from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from services.contracts.environment import CONTRACT, Manifest, Registration
from services.kit.failure import Refused, Unavailable

_MANIFEST_TIMEOUT_S = 10.0


async def read_manifest(client: httpx.AsyncClient, registration: Registration) -> Manifest:
    """Raises Refused for an address or a manifest that will not do, Unavailable if nobody answers."""
    url = registration.url
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise Refused(
            f"url '{url}' is no http or https address without a user name",
            field="url",
            value=url,
            remedy="send the address at which the orchestrator reaches the environment",
        )
    address = f"{url.rstrip('/')}/v1/manifest"
    headers = {"authorization": f"Bearer {registration.dispatch_token}"}
    try:
        response = await client.get(address, headers=headers, timeout=_MANIFEST_TIMEOUT_S)
    except httpx.HTTPError as error:
        raise Unavailable(
            f"nobody answers at {address}: {error!r}",
            field="url",
            value=url,
            remedy="start the environment before it is registered",
            retry_after_s=1,
        ) from error
    if response.status_code != 200:
        raise Refused(
            f"{address} answers {response.status_code}",
            field="url",
            value=url,
            remedy="serve a manifest there",
        )
    return _parsed(response.content, address)


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
