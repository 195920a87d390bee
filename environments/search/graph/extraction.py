"""Reading statements off pages: by the sentences of known relations, by linked sentences, or by a model."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from environments.search.corpus.page import Page
from environments.search.corpus.sentences import sentences
from environments.search.graph.relation import Phrase, Relation
from environments.search.graph.triple import Triple


class Extractor(Protocol):
    """Finds what a page states about the entity that it is a page of (its title)."""

    async def extract(self, page: Page) -> list[Triple]:
        """The page's statements in its order. Errors: Unavailable if a model is needed and down."""

    def relation(self, name: str) -> Relation:
        """How questions speak of a relation that `extract` named."""


class SentencePatterns:
    """Exact on prose that states known relations in their own sentences, as the encyclopedia does.

    The subject is the page's title or "The <kind>"; a sentence counts only as a whole.
    """

    def __init__(self, relations: Iterable[Relation]) -> None:
        self._relations: Mapping[str, Relation] = {relation.name: relation for relation in relations}
        self._templates = [
            _Template(relation, sentence, max(re.split(r"\{\w+\}", sentence), key=len))
            for relation in self._relations.values()
            for sentence in relation.sentences
        ]

    async def extract(self, page: Page) -> list[Triple]:
        return list(self._statements(page))

    def relation(self, name: str) -> Relation:
        return self._relations[name]

    def _statements(self, page: Page) -> Iterator[Triple]:
        for sentence in sentences(page.text):
            for template in self._templates:
                object = template.object(page.title, sentence)
                if object is not None:
                    yield Triple(page.title, template.relation.name, object, page.id, sentence)


@dataclass(frozen=True)
class _Template:
    """One way to state a relation; `landmark` is its longest piece of fixed text."""

    relation: Relation
    text: str
    landmark: str

    def object(self, title: str, sentence: str) -> str | None:
        """The object of a sentence that says this about this subject; None of any other sentence."""
        if self.landmark not in sentence:
            return None
        for subject in (title, f"The {self.relation.subject}"):
            head, _, tail = self.text.replace("{subject}", subject).partition("{object}")
            if sentence.startswith(head) and sentence.endswith(tail):
                found = sentence[len(head) : len(sentence) - len(tail)]
                if found and "." not in found:
                    return found
        return None


class LinkSentences:
    """For any linked corpus: a sentence that links to another page relates the two pages.

    The relation is the sentence itself with both ends blanked, so questions about it are clozes.
    """

    def __init__(self, pages: Sequence[Page]) -> None:
        times = Counter(page.title for page in pages)
        self._titles = {page.id: page.title for page in pages if times[page.title] == 1}

    async def extract(self, page: Page) -> list[Triple]:
        return list(self._statements(page)) if page.id in self._titles else []

    def relation(self, name: str) -> Relation:
        return cloze(name)

    def _statements(self, page: Page) -> Iterator[Triple]:
        told = [sentence for sentence in sentences(page.text) if _tells(sentence)]
        for link in page.links:
            other = self._titles.get(link.target)
            sentence = next((one for one in told if link.text in one), None)
            if other not in (None, page.title) and sentence is not None:
                template = sentence.replace("{", "(").replace("}", ")").replace(link.text, "{object}", 1)
                yield Triple(page.title, template, other, page.id, sentence)


def _tells(sentence: str) -> bool:
    """Whether a sentence says something about a link in it: more than the link, less than a paragraph."""
    return sentence.endswith(".") and 6 <= len(re.findall(r"\w+", sentence)) <= 40


def cloze(template: str) -> Relation:
    """A relation that is only known as a sentence with `{object}` left blank."""
    blank = template.replace("{object}", "___").replace("{subject}", "it")
    return Relation(
        template,
        "subject",
        "subject",
        (template,),
        Phrase(
            f"subject missing from what is said about {{it}}: “{blank}”",
            f"What is missing from what is said about {{it}}: “{blank}”?",
        ),
        Phrase(
            f"subject about which it is said, of {{it}}: “{blank}”",
            f"About which subject is it said, of {{it}}: “{blank}”?",
        ),
    )
