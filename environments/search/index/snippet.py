"""The sentences of a page that answer a query best, whole and in the page's order."""

import re
from functools import lru_cache

from environments.search.corpus.sentences import sentences

_LONGEST_SENTENCE = 400
_STOP = frozenset(
    ("a", "an", "and", "at", "by", "in", "is", "it", "of", "on", "that", "the", "to", "was", "which")
)


def snippet(query: str, text: str, length: int = 300) -> str:
    """Whole sentences of about `length` characters, at least one, those with most of the query's words.

    Only a sentence of more than 400 characters is cut, and says so with an ellipsis.
    """
    found, words = sentences(text), _words_of_sentences(text)
    wanted = _words(query) - _STOP
    ranked = sorted(range(len(found)), key=lambda place: (-len(wanted & words[place]), place))
    chosen: list[int] = []
    for place in ranked:
        full = sum(len(found[other]) for other in chosen) + len(found[place]) > length
        if chosen and (full or not wanted & words[place]):
            break
        chosen.append(place)
    return " ".join(_cut(found[place]) for place in sorted(chosen))


@lru_cache(maxsize=1024)
def _words_of_sentences(text: str) -> tuple[frozenset[str], ...]:
    return tuple(map(_words, sentences(text)))


def _words(text: str) -> frozenset[str]:
    return frozenset(word.removesuffix("s") for word in re.findall(r"\w+", text.casefold()))


def _cut(sentence: str) -> str:
    return sentence if len(sentence) <= _LONGEST_SENTENCE else sentence[:_LONGEST_SENTENCE].rstrip() + " …"
