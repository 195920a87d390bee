"""Bodies of the control routes, strictly typed."""

from typing import Any, Literal, TypeVar

import msgspec

from services.inference.wire.refusal import body_refusal


class AbortRequest(msgspec.Struct, frozen=True):
    rid: str | None = ""
    abort_all: bool = False


class PauseGeneration(msgspec.Struct, frozen=True):
    mode: Literal["abort", "retract", "in_place"] = "abort"


class ContinueGeneration(msgspec.Struct, frozen=True):
    torch_empty_cache: bool = True


class UpdateWeightsFromDisk(msgspec.Struct, frozen=True):
    model_path: str
    load_format: str | None = None
    abort_all_requests: bool = False
    weight_version: str | None = None
    is_async: bool = False
    torch_empty_cache: bool = False
    keep_pause: bool = False
    recapture_cuda_graph: bool = False
    token_step: int = 0
    flush_cache: bool = True
    manifest: dict[str, Any] | None = None


class UpdateWeightVersion(msgspec.Struct, frozen=True):
    new_version: str
    abort_all_requests: bool = True


class CheckWeights(msgspec.Struct, frozen=True):
    action: str = "checksum"


Body = TypeVar("Body", bound=msgspec.Struct)


def parse_control(raw: bytes, kind: type[Body]) -> Body:
    """The body of a control request, which must be JSON. Raises Refusal."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError as error:
        fields = "; ".join(f"{name}: {hint}" for name, hint in kind.__annotations__.items())
        raise body_refusal(f"{error}. The body is a JSON object of {fields}") from None
