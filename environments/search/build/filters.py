"""The report's three filters over one question; what is dropped keeps its reason."""

from dataclasses import dataclass
from typing import Literal

from environments.search.build.answerers import Agent, Guesser
from environments.search.build.draft import Draft
from environments.search.build.verification import NoVerdict, Verifier, inconsistency
from environments.search.graph.extraction import Extractor
from environments.search.graph.graph import Graph
from environments.search.index.engine import Library
from environments.search.judge.match import matches
from environments.search.question import Question
from services.contracts.words import Word

Filter = Literal[
    "duplicate",
    "answer_overused",
    "answer_named",
    "answered_without_tools",
    "answered_in_few_steps",
    "verdict_malformed",
    "wrong_label",
    "not_unique",
    "inconsistent_evidence",
]


class Reason(Word):
    """Which filter dropped a question, and what it saw."""

    filter: Filter
    detail: str


class Dropped(Word):
    """A question that is not used, and why."""

    question: Question
    reason: Reason


@dataclass(frozen=True)
class Panel:
    """Who tries and checks each question, and how often (GLM-5: 8 tries without tools, one right drops)."""

    guesser: Guesser
    agent: Agent
    verifier: Verifier
    library: Library
    extractor: Extractor
    graph: Graph
    tries: int = 8
    few_steps: int = 3

    async def objection(self, draft: Draft, question: Question) -> Reason | None:
        """Why the question is dropped, or None. Errors: Unavailable if somebody of the panel is."""
        guesses = [await self.guesser.guess(draft, attempt) for attempt in range(self.tries)]
        for number, guess in enumerate(guesses, 1):
            if matches(guess, question.accepted):
                detail = f"try {number} of {self.tries} was right: {guess}"
                return Reason(filter="answered_without_tools", detail=detail)
        early = await self.agent.answer(draft, self.few_steps)
        if matches(early, question.accepted):
            detail = f"solved within {self.few_steps} steps: {early}"
            return Reason(filter="answered_in_few_steps", detail=detail)
        try:
            return await self._verified(draft, question, {*guesses, early} - {""})
        except NoVerdict as error:
            return Reason(filter="verdict_malformed", detail=str(error))

    async def _verified(self, draft: Draft, question: Question, rivals: set[str]) -> Reason | None:
        truth = await self.verifier.verify(draft, question.answer, question.evidence)
        if not truth.supported:
            return Reason(filter="wrong_label", detail=truth.reason)
        for rival in sorted(rivals):
            verdict = await self.verifier.verify(draft, rival, ())
            if verdict.supported:
                return Reason(filter="not_unique", detail=verdict.reason)
        wrong = await inconsistency(question.evidence, self.library, self.extractor, self.graph)
        return Reason(filter="inconsistent_evidence", detail=wrong) if wrong else None
