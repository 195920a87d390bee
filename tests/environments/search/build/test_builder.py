"""Questions that ship: enough, unique, apart by split, and each dropped one with its reason."""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from aiohttp import web

from environments.search.build.builder import Plan, split_of
from environments.search.build.files import build_folder
from environments.search.build.filters import Dropped
from environments.search.build.sources import Reading, Trial
from environments.search.build.walk import draw
from environments.search.corpus.encyclopedia.relations import RELATIONS
from environments.search.graph.extraction import SentencePatterns
from environments.search.graph.graph import Graph, hops
from environments.search.index.local import LocalIndex
from environments.search.judge.match import normalised
from environments.search.tasks import SearchTasks
from services.kit.failure import Refused, Unavailable
from tests.environments.search.conftest import Serve


@pytest.fixture
async def graph(index: LocalIndex) -> Graph:
    read = SentencePatterns(RELATIONS)
    return Graph([triple for page in index.pages for triple in await read.extract(page)])


def test_at_least_five_hundred_in_two_splits_that_share_nothing(tasks: SearchTasks) -> None:
    train, evaluation = tasks.splits["train"], tasks.splits["evaluation"]
    assert (len(train), len(evaluation)) == (512, 128)
    assert len({one.question for one in (*train, *evaluation)}) == 640
    assert {normalised(one.answer) for one in train}.isdisjoint(normalised(one.answer) for one in evaluation)
    assert {split_of(one.answer) for one in evaluation} == {"evaluation"}


def test_questions_are_of_every_length_and_form_and_hide_their_answer(tasks: SearchTasks) -> None:
    train = tasks.splits["train"]
    assert min(Counter((one.hops, one.form) for one in train).values()) >= 20
    assert {one.hops for one in train} == {2, 3, 4}
    assert max(Counter(one.answer for one in train).values()) <= 4
    for one in train:
        assert f" {normalised(one.answer)} " not in f" {normalised(one.question)} "
        assert len(one.evidence) == one.hops


def test_every_dropped_question_has_a_reason(tasks_dir: Path) -> None:
    dropped = [
        Dropped.model_validate_json(line) for line in (tasks_dir / "dropped.jsonl").read_text().splitlines()
    ]
    assert {"answered_without_tools", "answered_in_few_steps"} <= {one.reason.filter for one in dropped}
    assert all(one.reason.detail for one in dropped)
    counts = json.loads((tasks_dir / "counts.json").read_text())
    assert sum(counts.values()) == len(dropped) + 640


def test_walks_describe_one_thing_and_start_where_few_look(graph: Graph) -> None:
    random = Random(5)
    seeds = graph.not_frequent(0.8)
    frequent = {one for one in graph.entities if graph.frequency(one) > graph.frequency(seeds[-1])}
    assert frequent
    for _ in range(2_000):
        length, seed = random.randint(2, 4), random.choice(seeds)
        walk = draw(graph, seed, length, random)
        if walk is not None:
            assert seed not in frequent
            assert graph.evaluate(walk.expression) == {walk.answer}
            assert hops(walk.expression) == length


async def test_the_seed_decides_every_question(tasks_dir: Path, tmp_path: Path) -> None:
    plan = Plan(train=20, evaluation=5, seed=3)
    for name in ("one", "other"):
        await build_folder(tasks_dir / "corpus", tmp_path / name, plan, Trial())
    for split in ("train", "evaluation", "dropped"):
        assert (tmp_path / f"one/{split}.jsonl").read_text() == (
            tmp_path / f"other/{split}.jsonl"
        ).read_text()


async def test_a_contradiction_in_the_corpus_is_found_by_verification(
    tasks_dir: Path, tmp_path: Path
) -> None:
    """The encyclopedia that ships has none, so this filter has nothing to drop there."""
    shipped = (tasks_dir / "dropped.jsonl").read_text()
    assert "inconsistent_evidence" not in shipped
    shutil.copytree(tasks_dir / "corpus", tmp_path / "corpus")
    for page in (tmp_path / "corpus").glob("*.html"):
        told = re.sub(
            r"(?<=<p>)(?=(.+) is a person\.)", r"\1 was born in the town of Nowhere. ", page.read_text()
        )
        page.write_text(told)
    await build_folder(tmp_path / "corpus", tmp_path / "out", Plan(60, 15, seed=1), Trial())
    lines = (tmp_path / "out/dropped.jsonl").read_text().splitlines()
    reasons = [Dropped.model_validate_json(line).reason for line in lines]
    found = [reason.detail for reason in reasons if reason.filter == "inconsistent_evidence"]
    assert found
    assert all("has several of born_in: " in detail for detail in found)


async def test_a_model_that_fails_loses_one_question_or_what_is_not_written_yet(
    tasks_dir: Path, tmp_path: Path, serve: Serve
) -> None:
    verdicts = ["well", *['{"supported": true, "reason": "said"}'] * 3]

    async def answer(request: web.Request) -> web.Response:
        said = "Answer: nothing known"
        if "Candidate:" in (await request.json())["messages"][1]["content"]:
            if not verdicts:
                return web.json_response({}, status=401)
            said = verdicts.pop(0)
        return web.json_response({"choices": [{"message": {"role": "assistant", "content": said}}]})

    trial = Trial(model_url=await serve(answer), model="m")
    with pytest.raises(Unavailable):
        await build_folder(tasks_dir / "corpus", tmp_path / "out", Plan(20, 5), trial)
    lines = (tmp_path / "out/dropped.jsonl").read_text().splitlines()
    filters = [Dropped.model_validate_json(line).reason.filter for line in lines]
    assert filters[0] == "verdict_malformed"
    assert "not_unique" in filters
    assert (tmp_path / "out/graph.jsonl").read_text().endswith("\n")


async def test_any_linked_corpus_gives_questions(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    for number in range(40):
        targets = [(number * 7 + 3) % 40, (number * 3 + 1) % 40, (number + 11) % 40]
        told = "\n\n".join(
            f"Module {number} number {place} hands its results over to [Unit{target}](m{target}.md) at night."
            for place, target in enumerate(targets)
        )
        (folder / f"m{number}.md").write_text(f"# Unit{number}\n\n{told}\n")
    counts = await build_folder(folder, tmp_path / "out", Plan(10, 4, seed=1), Trial(Reading.LINKS))
    assert (counts["train"], counts["evaluation"]) == (10, 4)
    question = json.loads((tmp_path / "out/train.jsonl").read_text().splitlines()[0])
    assert "___" in question["question"]


async def test_reading_by_a_model_needs_one(tasks_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="needs one"):
        await build_folder(tasks_dir / "corpus", tmp_path, Plan(1, 1), Trial(Reading.MODEL))


def test_the_command_says_what_it_built(tasks_dir: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "environments.search.build", "--corpus", str(tasks_dir / "corpus")]
    options = ["--out", str(tmp_path / "out"), "--train", "8", "--evaluation", "2", "--hops", "3", "3"]
    ended = subprocess.run([*command, *options], check=True, capture_output=True, text=True)
    counts = json.loads(ended.stdout)
    assert (counts["train"], counts["evaluation"]) == (8, 2)
    rows = [json.loads(line) for line in (tmp_path / "out/train.jsonl").read_text().splitlines()]
    assert {row["hops"] for row in rows} == {3}
