"""Exact and normalised match between an answer and what is accepted."""

import re
import unicodedata
from collections.abc import Iterable

_ARTICLES = frozenset({"a", "an", "the"})


def normalised(text: str) -> str:
    """Without case, accents, punctuation, articles and surplus space: what two spellings share."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    letters = "".join(one for one in plain if not unicodedata.combining(one))
    words = re.findall(r"\w+", re.sub(r"(?<=\d),(?=\d{3})|['’]", "", letters))
    return " ".join(word for word in words if word not in _ARTICLES) or " ".join(words)


def matches(answer: str, accepted: Iterable[str]) -> bool:
    """Whether the whole answer is one of the accepted ones; an answer that merely contains one is not."""
    return bool(normalised(answer)) and normalised(answer) in {normalised(one) for one in accepted}
