"""Questions about an atlas that one of its pages answers, by split."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from random import Random

from environments.search.graph.triple import Triple
from environments.search.question import Question, write_questions
from environments.search.tasks import corpus_of
from environments.search.tiny.atlas import Entry, draw_atlas, fact
from environments.whole import appears_whole

PHRASINGS = (
    "What is the {relation} of {name}?",
    "Which {relation} has {name}?",
    "Name the {relation} of {name}.",
)


def split_of(question: str) -> str:
    """One question in eight is for evaluation, by a hash: whatever atlas is asked, it is never shown."""
    return "evaluation" if hashlib.sha256(question.encode()).digest()[0] % 8 == 0 else "train"


def questions(atlas: Sequence[Entry], split: str, random: Random) -> Iterator[tuple[Question, Entry]]:
    """All questions of a split about an atlas, with the entry that answers each, in random order."""
    found = [
        (_question(phrasing.format(relation=relation, name=entry.name), entry, relation), entry)
        for entry in atlas
        for relation in entry.facts
        for phrasing in PHRASINGS
    ]
    yield from (pair for pair in random.sample(found, len(found)) if split_of(pair[0].question) == split)


def write_tasks(folder: Path, train: int, evaluation: int, seed: int) -> None:
    """An atlas and questions about it. The folder appears whole or not at all."""
    with appears_whole(folder) as part:
        corpus_of(part).mkdir(parents=True, exist_ok=True)
        random = Random(f"tiny/{seed}")
        atlas = draw_atlas(random)
        for entry in atlas:
            (corpus_of(part) / entry.page.id).write_text(entry.page.text)
        for split, count in (("train", train), ("evaluation", evaluation)):
            pairs = islice(questions(atlas, split, random), count)
            write_questions(part / f"{split}.jsonl", [question for question, _ in pairs])


def _question(text: str, entry: Entry, relation: str) -> Question:
    object = entry.facts[relation]
    proof = Triple(
        subject=entry.name,
        relation=relation,
        object=object,
        page=entry.page.id,
        sentence=fact(relation, object),
    )
    return Question(question=text, answer=object, form="fact", asked=relation, evidence=(proof,))
