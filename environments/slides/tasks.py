"""The decks of one environment: JSON lines by split, drawn from a seed if there are none."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from random import Random

from environments.slides.deck import Deck, Form, read_decks
from environments.slides.topics import draw_deck
from services.contracts.environment import TaskCard, TaskRef
from services.kit.failure import Missing, Refused

SPLITS = ("train", "evaluation")
FORMS: tuple[Form, ...] = ("card", "page", "picture", "deck")


@dataclass(frozen=True)
class SlidesTasks:
    """The decks of each split, in the order of their files."""

    splits: Mapping[str, tuple[Deck, ...]]

    def counts(self) -> dict[str, int]:
        return {name: len(decks) for name, decks in self.splits.items()}

    def find(self, ref: TaskRef) -> Deck:
        """Errors: Missing."""
        decks = self.splits.get(ref.split)
        if decks is None:
            raise Missing(f"no split {ref.split}; there are {', '.join(self.splits)}", field="split")
        if ref.index >= len(decks):
            raise Missing(f"split {ref.split} has {len(decks)} tasks", field="index", value=ref.index)
        return decks[ref.index]

    def card(self, ref: TaskRef) -> TaskCard:
        deck = self.find(ref)
        tags = (deck.form, f"{len(deck.pages)} pages")
        title = f"slides-{ref.split}-{ref.index:04}"
        return TaskCard(task=ref, title=title, tags=tags, instruction=deck.instruction)


def split_of(deck: Deck) -> str:
    """One first title in eight is for evaluation, by a hash: no deck begins like one of the other split."""
    digest = hashlib.sha256(deck.pages[0].title.encode()).digest()
    return "evaluation" if digest[0] % 8 == 0 else "train"


def decks(split: str, count: int, seed: int, forms: Sequence[Form] = FORMS) -> Iterator[Deck]:
    """So many decks of a split, forms taking turns, no first title twice."""
    random, seen = Random(f"{split}/{seed}"), set[str]()
    turns = cycle(forms)
    form = next(turns)
    while len(seen) < count:
        deck = draw_deck(random, form)
        if split_of(deck) == split and deck.pages[0].title not in seen:
            seen.add(deck.pages[0].title)
            form = next(turns)
            yield deck


def write_tasks(folder: Path, train: int, evaluation: int, seed: int, forms: Sequence[Form] = FORMS) -> None:
    """Draws the decks of both splits. The folder appears whole or not at all."""
    part = folder.with_name(folder.name + ".part")
    part.mkdir(parents=True, exist_ok=True)
    for split, count in zip(SPLITS, (train, evaluation), strict=True):
        lines = "".join(deck.model_dump_json() + "\n" for deck in decks(split, count, seed, forms))
        (part / f"{split}.jsonl").write_text(lines)
    part.rename(folder)


def load_tasks(folder: Path) -> SlidesTasks:
    """Errors: Refused if there is no deck, or a line is none, or a deck is in both splits."""
    files = {split: folder / f"{split}.jsonl" for split in SPLITS}
    splits = {split: read_decks(path) for split, path in files.items() if path.is_file()}
    if not any(splits.values()):
        remedy = "give a folder with train.jsonl"
        raise Refused(f"{folder} holds no deck", field="tasks_dir", remedy=remedy)
    shared = {deck.instruction for deck in splits.get("train", ())} & {
        deck.instruction for deck in splits.get("evaluation", ())
    }
    if shared:
        raise Refused(f"{folder}: a deck is in both splits: {min(shared)}", field="deck")
    return SlidesTasks(splits)
