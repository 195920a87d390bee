"""Each of the report's filters drops what it is for, and lets the rest pass."""

from dataclasses import dataclass, replace

import pytest

from environments.search.build.draft import Draft
from environments.search.build.filters import Panel
from environments.search.build.verification import BackwardVerifier, NoVerdict, Verdict
from environments.search.corpus.page import Page
from environments.search.graph.extraction import SentencePatterns
from environments.search.graph.graph import Edge, Expression, Graph, Hop, Named
from environments.search.graph.relation import Phrase, Relation
from environments.search.graph.triple import Triple
from environments.search.index.local import LocalIndex
from environments.search.question import Question

LIES = Relation("lies_on", "town", "river", ("{subject} lies on {object}.",), Phrase("c {it}", "a {it}"))
PAGES = [
    Page("elm", "Elm", "Elm\n\nElm lies on Wend."),
    Page("ash", "Ash", "Ash\n\nAsh lies on Wend. Ash lies on Ister."),
    Page("oak", "Oak", "Oak\n\nOak lies on Ister."),
]


@dataclass(frozen=True)
class Says:
    """Guesses and answers what it was given."""

    guesses: tuple[str, ...] = ()
    answered: str = ""

    async def guess(self, draft: Draft, attempt: int) -> str:
        return self.guesses[attempt] if attempt < len(self.guesses) else ""

    async def answer(self, draft: Draft, steps: int) -> str:
        return self.answered


@pytest.fixture
async def panel() -> Panel:
    read, index = SentencePatterns([LIES]), LocalIndex(PAGES)
    graph = Graph([triple for page in PAGES for triple in await read.extract(page)])
    return Panel(Says(), Says(), BackwardVerifier(graph), index, read, graph)


def asked(expression: Expression, answer: str, evidence: tuple[Triple, ...]) -> tuple[Draft, Question]:
    draft = Draft("q?", expression, Edge("lies_on", True))
    return draft, Question(question="q?", answer=answer, evidence=evidence)


def river(panel: Panel, town: str, answer: str) -> tuple[Draft, Question]:
    evidence = tuple(one for one in panel.graph.triples if (one.subject, one.object) == (town, answer))
    return asked(Hop(Named(town), "lies_on", True), answer, evidence)


def town(panel: Panel, answer: str) -> tuple[Draft, Question]:
    evidence = tuple(one for one in panel.graph.triples if (one.subject, one.object) == (answer, "Wend"))
    return asked(Hop(Named("Wend"), "lies_on", False), answer, evidence)


async def test_a_good_question_passes(panel: Panel) -> None:
    assert await panel.objection(*river(panel, "Elm", "Wend")) is None


@pytest.mark.parametrize("attempt", range(8))
async def test_one_right_guess_of_eight_is_enough(attempt: int, panel: Panel) -> None:
    guesses = ("Moon",) * attempt + ("the wend",)
    reason = await replace(panel, guesser=Says(guesses)).objection(*river(panel, "Elm", "Wend"))
    assert reason is not None
    assert reason.filter == "answered_without_tools"
    assert f"try {attempt + 1} of 8" in reason.detail


async def test_a_ninth_guess_is_not_taken(panel: Panel) -> None:
    late = replace(panel, guesser=Says(("Moon",) * 8 + ("Wend",)))
    assert await late.objection(*river(panel, "Elm", "Wend")) is None


async def test_an_agent_in_a_hurry(panel: Panel) -> None:
    reason = await replace(panel, agent=Says(answered="Wend")).objection(*river(panel, "Elm", "Wend"))
    assert reason is not None
    assert reason.filter == "answered_in_few_steps"


async def test_a_rival_that_fits_as_well(panel: Panel) -> None:
    reason = await replace(panel, agent=Says(answered="Ash")).objection(*town(panel, "Elm"))
    assert reason is not None
    assert reason.filter == "not_unique"
    assert await replace(panel, agent=Says(answered="Oak")).objection(*town(panel, "Elm")) is None


async def test_a_wrong_label(panel: Panel) -> None:
    reason = await panel.objection(*town(panel, "Oak"))
    assert reason is not None
    assert reason.filter == "wrong_label"


async def test_a_verdict_that_is_none(panel: Panel) -> None:
    class Mumbles:
        async def verify(self, draft: Draft, candidate: str, evidence: tuple[Triple, ...]) -> Verdict:
            raise NoVerdict("no verdict: 'well'")

    reason = await replace(panel, verifier=Mumbles()).objection(*river(panel, "Elm", "Wend"))
    assert reason is not None
    assert (reason.filter, reason.detail) == ("verdict_malformed", "no verdict: 'well'")


async def test_evidence_that_contradicts_itself(panel: Panel) -> None:
    reason = await panel.objection(*river(panel, "Ash", "Wend"))
    assert reason is not None
    assert reason.filter == "inconsistent_evidence"
    assert reason.detail == "Ash has several of lies_on: Wend, Ister"


@pytest.mark.parametrize(
    ("page", "told"),
    [
        (Page("elm", "Elm", "Elm\n\nElm lies on Ister."), "no longer says"),
        (Page("elm", "Elms", "Elms\n\nElm lies on Wend."), "read differently"),
        (Page("fir", "Fir", "Fir"), "there is no page"),
    ],
)
async def test_evidence_that_is_not_on_its_page_any_more(page: Page, told: str, panel: Panel) -> None:
    reason = await replace(panel, library=LocalIndex([page])).objection(*river(panel, "Elm", "Wend"))
    assert reason is not None
    assert told in reason.detail
