"""The three shapes in which SGLang answers 400."""

from typing import Any

from services.kit.failure import Refused


class Refusal(Refused):
    """A 400 whose body is SGLang's, not problem+json: its clients read it."""

    def __init__(self, detail: str, body: dict[str, Any]) -> None:
        super().__init__(detail, status=400)
        self.body = body


def contract_refusal(detail: str) -> Refusal:
    """A generate request that is no such thing: an unknown sampling key, a wrong JSON type."""
    return Refusal(detail, {"error": detail})


def value_refusal(detail: str) -> Refusal:
    """A well-formed request that asks for what cannot be."""
    return Refusal(detail, {"error": {"message": detail}})


def body_refusal(detail: str) -> Refusal:
    """A control request that does not fit its operation."""
    shape = {"object": "error", "message": detail, "type": "Bad Request", "param": None, "code": 400}
    return Refusal(detail, shape)
