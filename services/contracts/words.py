"""Ids, the frozen base of HTTP bodies, and the types that several words share."""

import re
from typing import Annotated, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", description="32 hexadecimal digits")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", description="lower case, digits, - and _")]
Split = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,30}$")]
Purpose = Literal["train", "evaluation"]

_ID = re.compile(r"[0-9a-f]{32}")


class Word(BaseModel):
    """A body that crosses a process boundary: frozen, and strict about unknown fields and numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def new_id() -> str:
    """A fresh id of fixed length: SGLang aborts by prefix, so no id may begin another."""
    return uuid4().hex


def is_id(text: str) -> bool:
    return bool(_ID.fullmatch(text))
