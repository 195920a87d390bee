"""Grades every question with its own answer, with none and with every control, and walks its evidence."""

import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from environments.agent import Ending
from environments.search.controls import CONTROLS
from environments.search.index.engine import Library, SearchEngine
from environments.search.judge.judge import Judge
from environments.search.question import Question
from environments.search.reward import score
from environments.search.tasks import SearchTasks
from environments.search.tools.toolbox import Extent, Toolbox
from services.contracts.cause import Cause


@dataclass(frozen=True)
class Validation:
    """How many questions there are, and how many of them each sort of agent gets full reward for.

    `unreachable`: questions with evidence that search and open do not show. `controls_full` must be 0.
    """

    tasks: int
    oracle_full: int
    noop_full: int
    controls_full: int
    unreachable: int
    leftovers: int = 0

    @property
    def holds(self) -> bool:
        """Whether every question is fit to train on."""
        nothing_scores = not (self.noop_full or self.controls_full or self.unreachable or self.leftovers)
        return nothing_scores and self.oracle_full == self.tasks


async def validate(tasks: SearchTasks, engine: SearchEngine, library: Library, judge: Judge) -> Validation:
    """Over all splits. Errors: Failure (verifier) if the judge fails, Unavailable if the engine is down."""
    oracle = noop = controls = unreachable = count = 0
    for questions in tasks.splits.values():
        answers = tuple(sorted({one.answer for one in questions}))
        for question in questions:
            count += 1
            oracle += await _full(question, f"Answer: {question.answer}", judge)
            noop += await _full(question, "", judge)
            controls += await _controls(question, answers, judge)
            shown = "\n".join([text async for text in oracle_reads(question, engine, library)])
            unreachable += any(triple.sentence not in shown for triple in question.evidence)
    return Validation(count, oracle, noop, controls, unreachable)


async def oracle_reads(question: Question, engine: SearchEngine, library: Library) -> AsyncIterator[str]:
    """What an agent is shown that searches for each page of the evidence and opens it."""
    tools = Toolbox(engine, library, None, Extent(page_chars=100_000, output_chars=200_000))
    for triple in question.evidence:
        yield await tools.call("search", json.dumps({"query": triple.subject}))
        yield await tools.call("open", json.dumps({"page": triple.page}))


async def _controls(question: Question, answers: Iterable[str], judge: Judge) -> int:
    known = tuple(answers)
    said = [control(question, known) for control in CONTROLS.values()]
    return sum([await _full(question, words, judge) for words in said])


async def _full(question: Question, words: str, judge: Judge) -> bool:
    scored = await score(question, Ending(Cause.COMPLETED, words=words), judge)
    return scored.reward == 1.0
