"""The questions of one environment: JSON lines by split, beside the corpus they are about."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from environments.search.build.builder import Plan
from environments.search.build.files import build_folder
from environments.search.build.sources import Trial
from environments.search.corpus.encyclopedia.prose import write_encyclopedia
from environments.search.corpus.encyclopedia.world import draw_world
from environments.search.question import Question, read_questions
from services.contracts.environment import TaskCard, TaskRef
from services.kit.failure import Missing, Refused

_SPLITS = ("train", "evaluation")


@dataclass(frozen=True)
class SearchTasks:
    """The questions of each split, in the order of their files."""

    splits: Mapping[str, tuple[Question, ...]]

    def counts(self) -> dict[str, int]:
        return {name: len(questions) for name, questions in self.splits.items()}

    def find(self, ref: TaskRef) -> Question:
        """Errors: Missing."""
        questions = self.splits.get(ref.split)
        if questions is None:
            raise Missing(f"no split {ref.split}; there are {', '.join(self.splits)}", field="split")
        if ref.index >= len(questions):
            raise Missing(f"split {ref.split} has {len(questions)} tasks", field="index", value=ref.index)
        return questions[ref.index]

    def card(self, ref: TaskRef) -> TaskCard:
        question = self.find(ref)
        tags = (question.form, f"{question.hops} hops")
        title = f"search-{ref.split}-{ref.index:04}"
        return TaskCard(task=ref, title=title, tags=tags, instruction=question.question)


def corpus_of(folder: Path) -> Path:
    """Where the pages of a folder of tasks lie."""
    return folder / "corpus"


def write_tasks(folder: Path, train: int, evaluation: int, seed: int) -> None:
    """The fictional encyclopedia of a seed and questions about it. The folder appears whole or not at all."""
    part = folder.with_name(folder.name + ".part")
    write_encyclopedia(corpus_of(part), draw_world(seed), seed)
    asyncio.run(build_folder(corpus_of(part), part, Plan(train, evaluation, seed=seed), Trial()))
    part.rename(folder)


def load_tasks(folder: Path) -> SearchTasks:
    """Errors: Refused if there is no question, or a line is none, or a question is in both splits."""
    files = {split: folder / f"{split}.jsonl" for split in _SPLITS}
    splits = {split: tuple(read_questions(path)) for split, path in files.items() if path.is_file()}
    if not any(splits.values()):
        raise Refused(
            f"{folder} holds no question", field="tasks_dir", remedy="give a folder with train.jsonl"
        )
    shared = {one.question for one in splits.get("train", ())} & {
        one.question for one in splits.get("evaluation", ())
    }
    if shared:
        raise Refused(f"{folder}: a question is in both splits: {min(shared)}", field="question")
    return SearchTasks(splits)
