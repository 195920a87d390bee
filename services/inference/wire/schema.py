"""The bodies of the engine's routes as OpenAPI has them: they are read by msgspec, not by FastAPI."""

from typing import Any

import msgspec


def body_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads a `kind`."""
    schema = msgspec.json.schema(kind)
    content = {"application/json": {"schema": _inline(schema, schema.pop("$defs", {}))}}
    return {"requestBody": {"required": True, "content": content}}


def _inline(node: Any, parts: dict[str, Any]) -> Any:
    """Without references, which OpenAPI would look for elsewhere."""
    if isinstance(node, list):
        return [_inline(one, parts) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inline(parts[node["$ref"].rpartition("/")[2]], parts)
    return {name: _inline(one, parts) for name, one in node.items()}
