"""Folders of questions, and settings that do not fit."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from environments.search.settings import SearchSettings
from environments.search.tasks import load_tasks
from services.kit.failure import Refused


@pytest.mark.parametrize(
    ("train", "evaluation", "told"),
    [
        ('{"question": "q"}', "", "train.jsonl:1 is not a question: answer"),
        ('{"question": "q", "answer": "a"}\n{', "", "train.jsonl:2"),
        ('{"question": "q", "answer": "a", "anser": "b"}', "", "anser"),
        ('{"question": "q", "answer": "a"}', '{"question": "q", "answer": "b"}', "in both splits: q"),
        ('{"question": " ", "answer": "a"}', "", "question"),
        ('{"question": "q", "answer": "?!"}', "", "answer"),
        ('{"question": "q", "answer": "+"}', "", "neither letters nor digits"),
        ("", "", "holds no task"),
    ],
)
def test_what_is_wrong_is_named(train: str, evaluation: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text(train)
    (tmp_path / "evaluation.jsonl").write_text(evaluation)
    with pytest.raises(Refused, match=told):
        load_tasks(tmp_path)


def test_questions_by_hand_need_only_two_fields(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text(
        '{"question": "Which tree?", "answer": "Elm", "aliases": ["Ulmus"]}\n'
    )
    tasks = load_tasks(tmp_path)
    assert tasks.counts() == {"train": 1}
    assert tasks.splits["train"][0].accepted == ("Elm", "Ulmus")


@pytest.mark.parametrize(
    "values",
    [
        {"engine": "searxng"},
        {"engine": "json"},
        {"judge": "model"},
        {"judge": "match_then_model", "judge_url": "x"},
    ],
)
def test_settings_that_lack_an_address_are_refused(values: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="needs"):
        SearchSettings.model_validate(values)
