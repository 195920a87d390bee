"""The fictional world: the same for a seed, consistent, with names that cannot be mistaken."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from environments.search.corpus.encyclopedia.prose import articles, file_name
from environments.search.corpus.encyclopedia.relations import RELATIONS
from environments.search.corpus.encyclopedia.world import COUNTS, draw_world
from environments.search.judge.match import normalised

seeds = pytest.mark.parametrize("seed", [0, 1, 2])


@seeds
def test_every_fact_fits_its_relation_and_is_told_once(seed: int) -> None:
    world = draw_world(seed)
    kinds = {name: kind for kind, names in world.entities.items() for name in names}
    assert len(kinds) == sum(COUNTS.values())
    told = Counter((fact.subject, fact.relation.name) for fact in world.facts)
    assert set(told.values()) == {1}
    for fact in world.facts:
        assert kinds[fact.subject] == fact.relation.subject
        assert kinds.get(fact.object, fact.relation.object) == fact.relation.object


@seeds
def test_years_add_up(seed: int) -> None:
    world = draw_world(seed)
    for fact in world.facts:
        if fact.relation.name == "teacher":
            assert 20 <= world.years[fact.subject] - world.years[fact.object] <= 45
    made = {
        (fact.subject, fact.object) for fact in world.facts if fact.relation.name in ("author", "captain")
    }
    years = {fact.subject: int(fact.object) for fact in world.facts if fact.relation.object == "year"}
    for thing, person in made:
        if thing in years:
            assert 24 <= years[thing] - world.years[person] <= 50


@seeds
def test_no_name_contains_another(seed: int) -> None:
    names = [normalised(name) for kind in draw_world(seed).entities.values() for name in kind]
    assert len(set(names)) == len(names)
    assert len({file_name(name) for name in names}) == len(names)
    padded = "\n".join(f" {name} " for name in names)
    assert [name for name in names if padded.count(f" {name} ") > 1] == []


def test_the_seed_decides_every_page() -> None:
    assert dict(articles(draw_world(3), 3)) == dict(articles(draw_world(3), 3))
    assert dict(articles(draw_world(3), 3)) != dict(articles(draw_world(4), 4))


def test_every_sentence_names_both_ends() -> None:
    for relation in RELATIONS:
        for sentence in relation.sentences:
            assert sentence.count("{subject}") == sentence.count("{object}") == 1
        assert (relation.backward is None) == (relation.object not in COUNTS)


def test_the_command_writes_a_corpus(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "environments.search.corpus",
        "--out",
        str(tmp_path / "c"),
        "--seed",
        "7",
    ]
    subprocess.run(command, check=True)
    assert len(list((tmp_path / "c").glob("*.html"))) == sum(COUNTS.values())
