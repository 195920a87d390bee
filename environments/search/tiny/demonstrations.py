"""Plays scripted episodes with the real tools over an atlas of their own, and writes down what was said."""

import asyncio
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random

from environments.demonstrations.episode import Episode, drawn, exchange, opening, said
from environments.search.index.local import LocalIndex
from environments.search.judge.answer import answer_of
from environments.search.judge.match import matches
from environments.search.prompt import PROMPT
from environments.search.question import Question
from environments.search.tiny.atlas import Entry, draw_atlas
from environments.search.tiny.tasks import questions
from environments.search.tools.toolbox import Extent, Toolbox

EXTENT = Extent(hits=2)
SLIPS = (
    (0.27, "another_fact"),
    (0.18, "unread"),  # answers from the list of hits, without opening a page
    (0.10, "other_page"),
)
_QUESTIONS_OF_AN_ATLAS = 200


def episodes(count: int, seed: int, scratch: Path) -> Iterator[Episode]:
    """Demonstrations on questions of the training split. No atlas is one that tasks are about."""
    random = Random(f"demonstrations/search/{seed}")
    made = 0
    while made < count:
        atlas = draw_atlas(random)
        index = LocalIndex([entry.page for entry in atlas])
        asked = questions(atlas, "train", random)
        for question, entry in islice(asked, min(_QUESTIONS_OF_AN_ATLAS, count - made)):
            way = drawn("right", SLIPS, random)
            yield asyncio.run(play(question, entry, atlas, index, way, random))
            made += 1


async def play(
    question: Question, entry: Entry, atlas: tuple[Entry, ...], index: LocalIndex, way: str, random: Random
) -> Episode:
    """Searches for the entry, opens a page, finds a fact there and answers, rightly or in a wrong way."""
    tools = Toolbox(index, index, None, EXTENT)
    messages = opening(PROMPT.system, question.question)
    messages += await _called(tools, 0, "search", {"query": entry.name})
    found = [hit.title for hit in await index.search(entry.name, EXTENT.hits)]
    read = next(other for other in atlas if other.name == (found[-1] if way == "other_page" else found[0]))
    answer = found[-1]
    if way != "unread":
        relation = _relation(read, question.asked, way, random)
        messages += await _called(tools, 1, "open", {"page": read.page.id})
        messages += await _called(tools, 2, "find", {"text": relation})
        answer = read.facts[relation]
    messages.append(said(f"Answer: {answer}"))
    correct = matches(answer_of(f"Answer: {answer}"), question.accepted)
    return Episode(messages, tools.schemas, f"search/{question.asked}", correct)


def _relation(read: Entry, asked: str, way: str, random: Random) -> str:
    """Which fact of the page is looked for."""
    if way == "another_fact" or asked not in read.facts:
        return random.choice([relation for relation in read.facts if relation != asked])
    return asked


async def _called(
    tools: Toolbox, number: int, tool: str, arguments: dict[str, str]
) -> list[dict[str, object]]:
    return exchange(number, tool, arguments, await tools.call(tool, json.dumps(arguments)))
