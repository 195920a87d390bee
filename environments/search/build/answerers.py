"""Who tries a new question: guessers without tools and agents in a hurry, scripted here, models elsewhere."""

from dataclasses import dataclass
from typing import Protocol

from environments.search.build.draft import Draft
from environments.search.graph.graph import Graph
from environments.search.index.engine import SearchEngine


class Guesser(Protocol):
    """Answers without tools."""

    async def guess(self, draft: Draft, attempt: int) -> str:
        """The answer of one try of several; "" for none."""


class Agent(Protocol):
    """Answers with tools, within a few steps."""

    async def answer(self, draft: Draft, steps: int) -> str:
        """Its answer after at most so many tool calls; "" for none."""


@dataclass(frozen=True)
class PriorGuesser:
    """Knows nothing but how often things are mentioned, and names the most frequent ones of the right sort.

    It takes the place of a model's prior: an answer that is nearly always the same needs no search.
    """

    graph: Graph

    async def guess(self, draft: Draft, attempt: int) -> str:
        likely = self.graph.popular_ends(draft.last)
        return likely[attempt] if attempt < len(likely) else ""


@dataclass(frozen=True)
class HastyAgent:
    """Searches the question as it stands, opens the best hits in turn, and says the first fit it reads."""

    engine: SearchEngine
    graph: Graph

    async def answer(self, draft: Draft, steps: int) -> str:
        hits = await self.engine.search(draft.question, steps - 1)
        for hit in hits:
            for triple in self.graph.stated_on(hit.page):
                if triple.relation == draft.last.relation:
                    return triple.object if draft.last.forward else triple.subject
        return ""
