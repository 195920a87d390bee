"""One statement of a corpus: subject, relation, object, and the sentence that says so."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Triple:
    """`relation` names what holds; `page` is the id of the page on which `sentence` stands."""

    subject: str
    relation: str
    object: str
    page: str
    sentence: str
