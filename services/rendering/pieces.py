"""What each token adds to the text, so that people can read a sequence token by token."""

from collections.abc import Sequence
from typing import Protocol

_UNFINISHED = "\ufffd"  # what a decoder shows of a character whose last byte has not come yet
_LONGEST = 4  # bytes of a character


class Decoder(Protocol):
    """Ids to text."""

    def decode(self, token_ids: Sequence[int]) -> str: ...


def pieces(decoder: Decoder, ids: Sequence[int]) -> list[str]:
    """One piece for each id; together they are the decoded text.

    A character that several tokens spell stands at the last of them, and the others are empty, as are
    ids that have no text at all.
    """
    found = [""] * len(ids)
    context, start = 0, 0  # what lies between them has been given away; decoders want to see it again
    for place in range(len(ids)):
        told = decoder.decode(ids[context:start])
        text = decoder.decode(ids[context : place + 1])
        final = place == len(ids) - 1 or place + 1 - start >= _LONGEST
        if len(text) > len(told) and (final or not text.endswith(_UNFINISHED)):
            found[place] = text[len(told) :]
            context, start = start, place + 1
    return found
