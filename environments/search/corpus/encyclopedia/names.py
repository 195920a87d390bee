"""Names that nobody has heard: drawn from syllables, so that no model can know an answer beforehand."""

from collections.abc import Callable, Iterator, Mapping
from random import Random


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_STARTS = _split(
    """Al Bel Bran Cal Cor Dal Dren El Fen Gar Hal Hes Ist Jor Kel Lor Mar Mel Nor Os Per Quel Ral Ror Sel
    Tam Tor Ul Val Ver Wil Yar Zel"""
)
_MIDDLES = _split("a e i o u an ar en er il in or ul am ess ith ond uv")
_PLACE_ENDS = _split("bury by combe dale ford gate ham holt mere moor port stead thorpe wick worth")
_RIVER_ENDS = _split("ane dra esk ira low mar na rey sel und vel wen")
_REGION_ENDS = _split("avia eth land mark onia shire var wold")
_SURNAME_ENDS = _split("bek dane dorn fex gard hart kin lund mond nell quist rick ster tane vik wyn")
_FORENAMES = _split(
    """Ada Aldo Bea Bruno Cleo Dario Edda Emil Fina Gero Hedy Ivo Jonna Kaspar Lea Linus Mira Nils Odile
    Orso Pia Quin Runa Silas Thea Ugo Vera Wim Xenia Yorick Zora Anouk Bastian Celia Detlef Elin Falk
    Greta Hanno Ilka"""
)
_ADJECTIVES = _split(
    """Amber Ashen Bitter Brazen Broken Burning Distant Drowned Empty Fallen Frozen Gilded Hidden Hollow
    Idle Lasting Lonely Marble Narrow Painted Patient Quiet Restless Scarlet Secret Silent Sleeping Stolen
    Tangled Velvet Wandering Winter"""
)
_NOUNS = _split(
    """Almanac Anchor Archive Balcony Bell Compass Corridor Dagger Echo Engine Feather Fountain Garden
    Harvest Ladder Lantern Ledger Letter Mirror Orchard Parade Pilgrim Portrait Promise Quarry Sparrow
    Staircase Tide Trumpet Vineyard Watchman Window"""
)
_VIRTUES = _split(
    "Bounty Courage Daring Fortune Glory Grace Harmony Liberty Mercy Prudence Triumph Vigilance"
)
_CRAFTS = _split(
    "Binders Carvers Coopers Dyers Founders Glaziers Masons Millers Potters Ropers Tanners Weavers"
)
_FEASTS = _split("Bonfires Candles Drums Kites Lanterns Masks Oars Plums Ribbons Torches Violins Wheels")
_FILLERS = _split("Mount Academy Press Bridge Museum Feast of near")
_KNOWN = frozenset((*_FORENAMES, *_ADJECTIVES, *_NOUNS, *_VIRTUES, *_CRAFTS, *_FEASTS, *_FILLERS))


def _word(random: Random, ends: tuple[str, ...]) -> str:
    middle = random.choice(_MIDDLES) if random.random() < 0.6 else ""
    return random.choice(_STARTS) + middle + random.choice(ends)


def _titled(random: Random) -> str:
    return f"The {random.choice(_ADJECTIVES)} {random.choice(_NOUNS)}"


_DRAW: Mapping[str, Callable[[Random], str]] = {
    "region": lambda random: _word(random, _REGION_ENDS),
    "mountain": lambda random: f"Mount {_word(random, _SURNAME_ENDS)}",
    "river": lambda random: _word(random, _RIVER_ENDS),
    "town": lambda random: _word(random, _PLACE_ENDS),
    "school": lambda random: f"{_word(random, _SURNAME_ENDS)} Academy",
    "guild": lambda random: f"{_word(random, _SURNAME_ENDS)} {random.choice(_CRAFTS)}",
    "person": lambda random: f"{random.choice(_FORENAMES)} {_word(random, _SURNAME_ENDS)}",
    "press": lambda random: f"{_word(random, _SURNAME_ENDS)} Press",
    "book": _titled,
    "bridge": lambda random: f"{_word(random, _SURNAME_ENDS)} Bridge",
    "ship": lambda random: f"{_word(random, _RIVER_ENDS)} {random.choice(_VIRTUES)}",
    "museum": lambda random: f"{_word(random, _SURNAME_ENDS)} Museum",
    "painting": lambda random: f"{random.choice(_NOUNS)} near {_word(random, _SURNAME_ENDS)}",
    "festival": lambda random: f"{_word(random, _SURNAME_ENDS)} Feast of {random.choice(_FEASTS)}",
}


def names(kind: str, random: Random, taken: set[str]) -> Iterator[str]:
    """Fresh names of a kind without end; no word that makes a name is used by another name.

    `taken` is extended. Forenames, crafts and the like may recur, invented words may not.
    """
    while True:
        name = _DRAW[kind](random)
        invented = name if kind == "book" else _invented(name)
        if invented not in taken:
            taken.add(invented)
            yield name


def _invented(name: str) -> str:
    return next(word for word in name.split() if word not in _KNOWN)
