"""Exact and normalised match between an answer and what is accepted."""

import re
import unicodedata
from collections.abc import Iterable

_ARTICLES = frozenset({"a", "an", "the"})
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−", "-"))
_JOINTS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))|['’]")  # 1,811 and O'Hara are written without them, too
_WORDS = re.compile(
    r"(?<!\w)-(?=[$€£¥]?\.?\d)"  # a minus, and no hyphen
    r"|(?:[\w+#]|(?<=\d)\.(?=\d)|(?<![\w.])\.(?=\d))+"  # C++ is not C, nor 3.14 the same as 3 14
)


def normalised(text: str) -> str:
    """Without case, accents, a leading article and surplus space: what two spellings share.

    Of punctuation there remain `+`, `#`, a minus and a decimal point; the rest only parts words.
    """
    plain = unicodedata.normalize("NFKD", text).casefold().translate(_DASHES)
    letters = "".join(one for one in plain if not unicodedata.combining(one))
    words = _WORDS.findall(_JOINTS.sub("", letters))
    named = words[1:] if len(words) > 1 and words[0] in _ARTICLES else words
    return " ".join(named).replace("- ", "-")


def matches(answer: str, accepted: Iterable[str]) -> bool:
    """Whether the whole answer is one of the accepted ones; an answer that merely contains one is not."""
    return bool(normalised(answer)) and normalised(answer) in {normalised(one) for one in accepted}
