"""Token ids as text for people: what the orchestrator asks the gateway, which has the tokenizer."""

from typing import Annotated

from pydantic import Field

from services.contracts.words import Word

_TokenId = Annotated[int, Field(ge=0, lt=2**31)]


class PiecesRequest(Word):
    """`POST {gateway}/v1/pieces`: sequences of token ids."""

    sequences: tuple[tuple[_TokenId, ...], ...]


class Pieces(Word):
    """For each sequence what each of its ids adds to the text; an id without text adds nothing."""

    sequences: tuple[tuple[str, ...], ...]
