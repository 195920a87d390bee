"""Extraction by a model: entities and relations that no pattern knows."""

import json
from dataclasses import dataclass
from typing import Any

from environments.message import Message
from environments.search.corpus.page import Page
from environments.search.corpus.sentences import sentences
from environments.search.endpoint import Chat
from environments.search.graph.extraction import cloze
from environments.search.graph.relation import Relation
from environments.search.graph.triple import Triple

_INSTRUCTION = """\
List what the page states about the entity in its title. Reply with a JSON array and nothing else. Each
element is {"relation": a short sentence with {subject} and {object} in place of the two ends, "object": the
other entity or value as the page spells it, "sentence": the sentence of the page that says so, word for
word}. Use the same relation sentence for the same relation on every page. Leave out navigation, opinions
and guesses."""
_LONGEST_PAGE = 12_000


@dataclass(frozen=True)
class ModelExtractor:
    """Keeps of a model's list only what the page really says; a reply that cannot be read states nothing."""

    chat: Chat

    async def extract(self, page: Page) -> list[Triple]:
        messages: list[Message] = [
            {"role": "system", "content": _INSTRUCTION},
            {"role": "user", "content": f"Title: {page.title}\n\n{page.text[:_LONGEST_PAGE]}"},
        ]
        reply = await self.chat.reply(messages)
        told = frozenset(sentences(page.text))
        found = (_triple(page, row, told) for row in _rows(str(reply.get("content") or "")))
        return [triple for triple in found if triple is not None]

    def relation(self, name: str) -> Relation:
        return cloze(name)


def _rows(reply: str) -> list[Any]:
    try:
        rows = json.loads(reply[reply.index("[") : reply.rindex("]") + 1])
    except (ValueError, RecursionError):
        return []
    return rows if isinstance(rows, list) else []


def _triple(page: Page, row: Any, told: frozenset[str]) -> Triple | None:
    """A row whose sentence stands on the page and names the object; anything else is noise."""
    match row:
        case {"relation": str(relation), "object": str(object), "sentence": str(sentence)}:
            stated = sentence in told and object in sentence and object != page.title
            whole = relation.count("{subject}") == 1 and relation.count("{object}") == 1
            plain = not set(relation.replace("{subject}", "").replace("{object}", "")) & set("{}")
            if stated and whole and plain:
                return Triple(page.title, relation, object, page.id, sentence)
    return None
