"""Draws decks: invented content, so that nothing but the brief says what belongs on a page."""

from collections.abc import Callable
from random import Random

from environments.slides.deck import Deck, Form, PageBrief
from environments.slides.pictures import PICTURES

_NOUNS = (
    "anchor", "badge", "barn", "basket", "beacon", "bottle", "branch", "brick", "bucket", "cabin", "candle",
    "carpet", "cloud", "comet", "crane", "drum", "eagle", "falcon", "fern", "fiddle", "flute",
    "fossil", "hammer", "helmet", "heron", "kettle", "ladder", "lizard", "magnet",
    "orchid", "otter", "paddle", "pebble", "pencil", "piano", "pillow", "prism", "quilt", "raven",
    "ribbon", "rocket", "saddle",
    "sandal", "scarf", "shell", "swan", "tiger", "turtle", "violin", "wagon", "walnut", "zebra",
)  # fmt: skip
_QUALITIES = (
    "amber", "bronze", "cedar", "cobalt", "copper", "coral", "cotton", "denim", "ivory", "jade", "linen",
    "marble", "nickel", "opal", "pearl", "quartz", "ruby", "silk", "silver", "velvet", "willow", "wool",
)  # fmt: skip
_DEEDS = ("carries", "covers", "follows", "guards", "holds", "leads", "meets", "moves", "shows", "turns")
_PLACES = ("bridge", "canyon", "castle", "desert", "forest", "garden", "harbor", "lagoon", "meadow", "valley")


def _thing(random: Random) -> str:
    return f"{random.choice(_QUALITIES)} {random.choice(_NOUNS)}"


def _statement(random: Random) -> str:
    """A sentence of eight words."""
    first, second = _thing(random), random.choice(_NOUNS)
    number, place = random.randint(2, 99), random.choice(_PLACES)
    return f"{first} {random.choice(_DEEDS)} {number} {second}s near {place} {random.choice(_NOUNS)}"


def _several(random: Random, count: int, draw: Callable[[Random], str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    while len(found) < count:
        found[draw(random)] = None
    return tuple(found)


def _title(random: Random) -> str:
    return " ".join(random.sample(_NOUNS, 2))


def _card(random: Random) -> PageBrief:
    return PageBrief(title=_title(random), points=_several(random, random.randint(3, 4), _thing))


def _page(random: Random) -> PageBrief:
    return PageBrief(title=_title(random), points=_several(random, random.randint(4, 6), _statement))


def _picture(random: Random) -> PageBrief:
    points = _several(random, random.randint(3, 4), _thing)
    return PageBrief(title=_title(random), points=points, images=(random.choice(sorted(PICTURES)),))


def _pages(random: Random) -> tuple[PageBrief, ...]:
    """Pages of one deck share no title and no image."""
    draws = [random.choice((_card, _page, _picture)) for _ in range(random.randint(2, 3))]
    pages: list[PageBrief] = []
    while len(pages) < len(draws):
        page = draws[len(pages)](random)
        seen = {value for other in pages for value in (other.title, *other.images)}
        if not seen & {page.title, *page.images}:
            pages.append(page)
    return tuple(pages)


def draw_deck(random: Random, form: Form) -> Deck:
    """One deck of a form: a card of few words, a page of statements, one with an image, or 2 to 3 pages."""
    match form:
        case "card":
            return Deck(form=form, pages=(_card(random),))
        case "page":
            return Deck(form=form, pages=(_page(random),))
        case "picture":
            return Deck(form=form, pages=(_picture(random),))
        case "deck":
            return Deck(form=form, pages=_pages(random))
