"""A small atlas drawn from a seed: one page for each entry, each with a few facts about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from environments.search.corpus.page import Page
from environments.terminal.families.words import WORDS

ENTRIES = 96
RELATIONS = ("colour", "food", "friend", "home", "tool")
_FACTS = 3


def fact(relation: str, object: str) -> str:
    """A paragraph of a page, which the tool find shows alone."""
    return f"{relation} {object}."


@dataclass(frozen=True)
class Entry:
    """What the atlas says of a name; no two of its facts have the same object."""

    name: str
    facts: Mapping[str, str]  # relation → object

    @property
    def page(self) -> Page:
        told = "\n\n".join(fact(relation, object) for relation, object in self.facts.items())
        return Page(f"{self.name}.txt", self.name, f"{self.name}\n\nThe atlas knows {self.name}.\n\n{told}")


def draw_atlas(random: Random) -> tuple[Entry, ...]:
    """Entries whose facts name words and other entries, so that a search finds more than one page."""
    return tuple(_entry(name, random) for name in sorted(random.sample(WORDS, ENTRIES)))


def _entry(name: str, random: Random) -> Entry:
    objects = random.sample([word for word in WORDS if word != name], _FACTS)
    return Entry(name, dict(zip(random.sample(RELATIONS, _FACTS), objects, strict=True)))
