"""Third filter: the labelled answer and every rival are checked on their own, against the pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from environments.search.build.draft import Draft
from environments.search.corpus.sentences import sentences
from environments.search.graph.extraction import Extractor
from environments.search.graph.graph import Graph
from environments.search.graph.triple import Triple
from environments.search.index.engine import Library
from services.kit.failure import Missing


@dataclass(frozen=True)
class Verdict:
    """Whether a candidate fits every condition of a question."""

    supported: bool
    reason: str


class NoVerdict(Exception):
    """What a verifier said is no verdict: nobody knows whether the question is good."""


class Verifier(Protocol):
    """Judges one candidate at a time, without knowing which one is labelled."""

    async def verify(self, draft: Draft, candidate: str, evidence: tuple[Triple, ...]) -> Verdict:
        """Errors: NoVerdict; Unavailable if it cannot be asked."""


@dataclass(frozen=True)
class BackwardVerifier:
    """Walks from a candidate back to what the question names, over the graph."""

    graph: Graph

    async def verify(self, draft: Draft, candidate: str, evidence: tuple[Triple, ...]) -> Verdict:
        holds = self.graph.holds(draft.expression, candidate)
        reason = "leads back" if holds else "does not lead back"
        return Verdict(holds, f"{candidate} {reason} to what the question names")


async def inconsistency(
    evidence: Sequence[Triple], library: Library, extractor: Extractor, graph: Graph
) -> str | None:
    """What is wrong with the evidence, or None: every sentence still stands on its page and reads the same.

    A relation with two objects for one subject contradicts itself.
    """
    for triple in evidence:
        try:
            page = await library.open(triple.page)
        except Missing as missing:
            return missing.detail
        if triple.sentence not in sentences(page.text):
            return f"{triple.page} no longer says: {triple.sentence}"
        if triple not in await extractor.extract(page):
            return f"{triple.page} is read differently now: {triple.sentence}"
        rivals = graph.objects(triple.subject, triple.relation)
        if len(rivals) > 1:
            return f"{triple.subject} has several of {triple.relation}: {', '.join(rivals)}"
    return None
