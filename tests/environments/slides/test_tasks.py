"""Drawing and reading decks."""

from pathlib import Path

import pytest

from environments.slides.deck import PageBrief
from environments.slides.tasks import SlidesTasks, decks, load_tasks, split_of
from services.contracts.environment import TaskRef
from services.kit.failure import Missing, Refused


def test_the_splits_are_full_and_share_nothing(tasks: SlidesTasks) -> None:
    assert tasks.counts() == {"train": 192, "evaluation": 64}
    titles = {split: {deck.pages[0].title for deck in found} for split, found in tasks.splits.items()}
    assert len(titles["train"]) == 192
    assert not titles["train"] & titles["evaluation"]
    assert all(split_of(deck) == split for split, found in tasks.splits.items() for deck in found)


def test_the_same_seed_draws_the_same_decks() -> None:
    assert list(decks("train", 8, 3)) == list(decks("train", 8, 3))
    assert list(decks("train", 8, 3)) != list(decks("train", 8, 4))


def test_a_split_of_one_form() -> None:
    assert {deck.form for deck in decks("train", 8, 0, ["card"])} == {"card"}


def test_a_card_says_what_the_agent_is_asked_for(tasks: SlidesTasks) -> None:
    deck = tasks.splits["train"][2]
    card = tasks.card(TaskRef(split="train", index=2))
    assert card.instruction.startswith("Make one slide.")
    assert all(text in card.instruction for text in (*deck.pages[0].texts, *deck.pages[0].images))
    assert card.tags == ("picture", "1 pages")


def test_what_is_not_there_is_missing(tasks: SlidesTasks) -> None:
    with pytest.raises(Missing, match="has 192 tasks"):
        tasks.find(TaskRef(split="train", index=192))
    with pytest.raises(Missing, match="no split other"):
        tasks.find(TaskRef(split="other", index=0))


def test_a_deck_that_is_none_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="holds no task"):
        load_tasks(tmp_path)
    (tmp_path / "train.jsonl").write_text('{"pages": []}\n')
    with pytest.raises(Refused, match=r"train\.jsonl:1"):
        load_tasks(tmp_path)
    line = '{"pages": [{"title": "a", "points": ["b"]}]}\n'
    for split in ("train", "evaluation"):
        (tmp_path / f"{split}.jsonl").write_text(line)
    with pytest.raises(Refused, match="both splits"):
        load_tasks(tmp_path)


def test_a_brief_names_only_images_that_exist() -> None:
    with pytest.raises(ValueError, match="no such image"):
        PageBrief(title="a", points=("b",), images=("images/nowhere.svg",))
