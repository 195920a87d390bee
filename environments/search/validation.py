"""Trials of questions: their own answer after a walk to its evidence, none, and answers that know nothing."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from environments.ending import Ending
from environments.search.controls import CONTROLS
from environments.search.corpus.folder import read_folder
from environments.search.index.engine import Library, SearchEngine
from environments.search.index.local import LocalIndex
from environments.search.judge.judge import Judge, MatchJudge
from environments.search.question import Question
from environments.search.reward import score
from environments.search.settings import SearchSettings
from environments.search.tasks import SearchTasks, corpus_of, load_tasks
from environments.search.tools.toolbox import Extent, Toolbox
from environments.validation.trials import NOOP, ORACLE
from services.contracts.cause import Cause
from services.kit.failure import Failure


@dataclass(frozen=True)
class SearchTrials:
    """Implements `environments.validation.trials.Trials`."""

    questions: Sequence[tuple[Question, tuple[str, ...]]]  # each with every answer of its split
    engine: SearchEngine
    library: Library
    judge: Judge
    controls: Sequence[str] = tuple(CONTROLS)
    at_once: int = 1

    @property
    def tasks(self) -> Sequence[str]:
        return [question.question for question, _ in self.questions]

    async def reward(self, task: int, player: str) -> float:
        """Errors: Failure (verifier) if the judge fails, (environment) if evidence is out of reach."""
        question, answers = self.questions[task]
        if player == ORACLE:
            await self._walk(question)
            return await self._scored(question, f"Answer: {question.answer}")
        words = "" if player == NOOP else CONTROLS[player](question, answers)
        return await self._scored(question, words)

    async def _walk(self, question: Question) -> None:
        """Search for each page of the evidence and open it, as an agent would."""
        shown = "\n".join([text async for text in oracle_reads(question, self.engine, self.library)])
        for triple in question.evidence:
            if triple.sentence not in shown:
                detail = f"search and open do not show the evidence {triple.sentence!r}"
                raise Failure(detail, cause=Cause.ENVIRONMENT)

    async def _scored(self, question: Question, words: str) -> float:
        return (await score(question, Ending(Cause.COMPLETED, words=words), self.judge)).reward


@asynccontextmanager
async def search_trials(
    folder: Path, settings: SearchSettings, first: int | None = None
) -> AsyncIterator[SearchTrials]:
    """Over the local index and by matching, whatever the settings say. Errors: Refused."""
    index = LocalIndex(read_folder(settings.corpus_dir or corpus_of(folder)))
    yield SearchTrials(with_answers(load_tasks(folder), first), index, index, MatchJudge())


def with_answers(tasks: SearchTasks, first: int | None = None) -> list[tuple[Question, tuple[str, ...]]]:
    """Questions, each with all the answers of its split."""
    found = list[tuple[Question, tuple[str, ...]]]()
    for split, questions in tasks.first(first).splits.items():
        answers = tuple(sorted({one.answer for one in tasks.splits[split]}))
        found += [(question, answers) for question in questions]
    return found


async def oracle_reads(question: Question, engine: SearchEngine, library: Library) -> AsyncIterator[str]:
    """What an agent is shown that searches for each page of the evidence and opens it."""
    tools = Toolbox(engine, library, None, Extent(page_chars=100_000, output_chars=200_000))
    for triple in question.evidence:
        yield await tools.call("search", json.dumps({"query": triple.subject}))
        yield await tools.call("open", json.dumps({"page": triple.page}))
