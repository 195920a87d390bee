"""The world's facts as articles: one HTML page for each entity, with links and varied sentences."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from random import Random

from environments.search.corpus.encyclopedia.world import Fact, World

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""
_FILLERS: Mapping[str, tuple[str, ...]] = {
    "region": ("Its people are known for long memories.", "Winters here are mild and wet."),
    "mountain": ("Snow stays on the northern side until summer.", "Shepherds know several paths to the top."),
    "river": ("In spring the meadows beside it are flooded.", "Barges carried grain along it for centuries."),
    "town": ("The market is held on the second day of the week.", "A fire destroyed the old quarter."),
    "school": ("Its library is open to visitors in the morning.", "The great hall has a painted ceiling."),
    "guild": ("New members swear an oath on an old ledger.", "Its seal shows two crossed tools."),
    "person": ("Few letters have survived.", "A small collection of notebooks was found later."),
    "press": ("Its typefaces are still admired.", "The catalogue runs to several hundred titles."),
    "book": ("Critics were divided at first.", "A second edition corrected many errors."),
    "bridge": ("The toll was abolished long ago.", "Its stone came from a quarry nearby."),
    "ship": ("The figurehead has been preserved.", "It was refitted twice."),
    "museum": ("Entrance is free on holidays.", "The building was once a granary."),
    "painting": ("It was restored after a leak in the roof.", "The frame is thought to be original."),
    "festival": ("Children carry the first procession.", "Rain has never stopped it."),
}


def file_name(entity: str) -> str:
    """The page of an entity: `Ada Welbek` has `ada-welbek.html`."""
    return re.sub(r"[^a-z0-9]+", "-", entity.lower()) + ".html"


def write_encyclopedia(folder: Path, world: World, seed: int) -> int:
    """Writes a page for every entity and says how many; the folder may exist."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = dict(articles(world, seed))
    for name, html in pages.items():
        (folder / name).write_text(html)
    return len(pages)


def articles(world: World, seed: int) -> Iterator[tuple[str, str]]:
    """File name and HTML of every entity's page."""
    random = Random(f"prose/{seed}")
    told, pointing = defaultdict(list), defaultdict(list)
    for fact in world.facts:
        told[fact.subject].append(fact)
        pointing[fact.object].append(fact.subject)
    for kind, entities in world.entities.items():
        for entity in entities:
            body = _body(kind, entity, told[entity], pointing[entity], world, random)
            yield file_name(entity), _PAGE.format(title=escape(entity), body=body)


def _body(
    kind: str, entity: str, facts: list[Fact], pointing: list[str], world: World, random: Random
) -> str:
    linked = {name for names in world.entities.values() for name in names}
    sentences = [_sentence(kind, fact, linked, random) for fact in random.sample(facts, len(facts))]
    sentences.insert(random.randint(0, len(sentences)), random.choice(_FILLERS[kind]))
    middle = (len(sentences) + 1) // 2
    paragraphs = [
        f"<p>{escape(entity)} is a {kind}. {' '.join(sentences[:middle])}</p>",
        f"<p>{' '.join(sentences[middle:])}</p>",
    ]
    related = [_anchor(name) for name in random.sample(sorted(set(pointing)), min(6, len(set(pointing))))]
    if related:
        items = "".join(f"<li>{anchor}</li>" for anchor in related)
        paragraphs.append(f"<h2>See also</h2>\n<ul>{items}</ul>")
    return "\n".join(paragraphs)


def _sentence(kind: str, fact: Fact, linked: set[str], random: Random) -> str:
    template = random.choice(fact.relation.sentences)
    subject = escape(fact.subject)
    if template.startswith("{subject}") and random.random() < 0.5:
        subject = f"The {kind}"
    object = _anchor(fact.object) if fact.object in linked else escape(fact.object)
    return template.format(subject=subject, object=object)


def _anchor(entity: str) -> str:
    return f'<a href="{file_name(entity)}">{escape(entity)}</a>'
