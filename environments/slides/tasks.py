"""The decks of one environment: JSON lines by split, drawn from a seed if there are none."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from random import Random

from environments.slides.deck import Deck, Form, read_decks
from environments.slides.topics import draw_deck
from environments.tasks import SPLITS, Tasks, read_splits
from environments.whole import appears_whole

FORMS: tuple[Form, ...] = ("card", "page", "picture", "deck")


SlidesTasks = Tasks[Deck]


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
    with appears_whole(folder) as part:
        for split, count in zip(SPLITS, (train, evaluation), strict=True):
            lines = "".join(deck.model_dump_json() + "\n" for deck in decks(split, count, seed, forms))
            (part / f"{split}.jsonl").write_text(lines)


def load_tasks(folder: Path) -> SlidesTasks:
    """Errors: Refused if there is no deck, or a line is none, or a deck is in both splits."""
    return SlidesTasks(read_splits(folder, read_decks, lambda deck: deck.instruction))
