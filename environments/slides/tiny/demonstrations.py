"""Plays scripted episodes with the real tools, and writes down what was said; nothing is rendered."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

from environments.demonstrations.episode import FAREWELL, Episode, drawn, exchange, opening, said
from environments.slides.deck import Deck, PageBrief
from environments.slides.grading import Studio
from environments.slides.prompt import PROMPT
from environments.slides.rendering.pool import RenderPool
from environments.slides.tasks import decks
from environments.slides.tiny.tasks import FORMS
from environments.slides.tools.toolbox import Toolbox

_CENTRED = "body{margin:0;text-align:center%s}h1{padding:24px;font-size:72px}"
STYLES = {
    "large": f"<style>{_CENTRED % ''}li{{padding:24px;font-size:56px;list-style:none}}</style>",
    "plain": "",
    "pale": f"<style>{_CENTRED % ';color:#eee'}li{{padding:24px;font-size:56px;list-style:none}}</style>",
    "small": f"<style>{_CENTRED % ''}li{{padding:8px;font-size:10px;list-style:none}}</style>",
}
SLIPS = (
    (0.19, ("pale", False)),  # nobody can read it
    (0.17, ("plain", False)),  # leaves most of the slide empty
    (0.15, ("small", False)),
    (0.21, ("large", True)),  # stops after the first point
)
_HTML_BYTES = 64_000
START, LIST, NEXT, END = "<!doctype html>", "</h1><ul><li>", "</li><li>", "</li></ul>"
PHRASES = (*(START + style + "<h1>" for style in STYLES.values()), LIST, NEXT, END)


def episodes(count: int, seed: int, scratch: Path) -> Iterator[Episode]:
    """Demonstrations on decks of the training split."""
    random = Random(f"demonstrations/slides/{seed}")
    with asyncio.Runner() as runner:
        for _ in range(count):
            deck = next(decks("train", 1, random.getrandbits(32), FORMS))
            style, short = drawn(("large", False), SLIPS, random)
            yield runner.run(play(deck, style, short))


async def play(deck: Deck, style: str, short: bool) -> Episode:
    """Writes the deck's one page in a style, with all points or with the first one alone."""
    tools = Toolbox(Studio(RenderPool(Path("chromium"))), _HTML_BYTES)  # writing a page renders nothing
    arguments = {"html": html(deck.pages[0], style, short)}
    messages = opening(PROMPT.system, deck.instruction)
    messages += exchange(0, "write_page", arguments, await tools.call("write_page", json.dumps(arguments)))
    messages.append(said(FAREWELL))
    return Episode(messages, tools.schemas, f"slides/{style}", style == "large" and not short, PHRASES)


def html(brief: PageBrief, style: str, short: bool) -> str:
    points = brief.points[:1] if short else brief.points
    return f"{START}{STYLES[style]}<h1>{brief.title}{LIST}{NEXT.join(points)}{END}"
