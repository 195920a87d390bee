"""A relation between two kinds of entity: how prose states it and how a question asks for it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Phrase:
    """One direction of a relation in a question; `{it}` stands for the end that is known."""

    clue: str  # a noun phrase without its article: "town where {it} was born"
    ask: str  # a whole question: "In which town was {it} born?"


@dataclass(frozen=True)
class Relation:
    """`subject` and `object` are kinds; every sentence has `{subject}` and `{object}` once each.

    A relation is functional: a subject has at most one object. `backward` is missing where the object
    is a value (a year, a product) and not an entity with a page.
    """

    name: str
    subject: str
    object: str
    sentences: tuple[str, ...]
    forward: Phrase
    backward: Phrase | None = None
