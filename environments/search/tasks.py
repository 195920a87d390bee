"""The questions of one environment: JSON lines by split, beside the corpus they are about."""

import asyncio
from pathlib import Path

from environments.search.build.builder import Plan
from environments.search.build.files import build_folder
from environments.search.build.sources import Trial
from environments.search.corpus.encyclopedia.prose import write_encyclopedia
from environments.search.corpus.encyclopedia.world import draw_world
from environments.search.question import Question, read_questions
from environments.tasks import Tasks, read_splits
from environments.whole import appears_whole

SearchTasks = Tasks[Question]


def corpus_of(folder: Path) -> Path:
    """Where the pages of a folder of tasks lie."""
    return folder / "corpus"


def write_tasks(folder: Path, train: int, evaluation: int, seed: int) -> None:
    """The fictional encyclopedia of a seed and questions about it. The folder appears whole or not at all."""
    with appears_whole(folder) as part:
        write_encyclopedia(corpus_of(part), draw_world(seed), seed)
        asyncio.run(build_folder(corpus_of(part), part, Plan(train, evaluation, seed=seed), Trial()))


def load_tasks(folder: Path) -> SearchTasks:
    """Errors: Refused if there is no question, or a line is none, or a question is in both splits."""
    return SearchTasks(read_splits(folder, read_questions, lambda question: question.question))
