"""The words that tasks are made of; none contains another, so replacing one never touches its neighbours."""

from random import Random

_LIST = """
acorn amber anchor apple apron arrow aspen atlas autumn badge bamboo banjo barn basil basket beach
beacon beetle berry birch bottle branch bread breeze brick bridge bronze brook brush bucket butter
button cabin cactus camel canal candle canoe canyon carpet castle cedar chalk cherry chess cider
circus citrus clay cliff clock cloud clover cobalt coffee comet copper coral cotton crane crater
crown daisy dawn denim desert donkey dragon drum eagle easel ember falcon fern fiddle finch flame
flint flute forest fossil fox frost galaxy garden garlic gecko ginger goblet grape gravel guitar
hammer harbor hazel helmet heron honey island ivory jacket jade jungle kettle kiwi ladder lagoon
lemon lilac linen lizard lotus magnet mango maple marble meadow melon mint mirror mitten monkey
mosaic moss muffin nectar needle nickel nutmeg oasis ocean olive onion opal orbit orchid otter
oyster paddle panda papaya parrot peach pearl pebble pencil pepper piano pigeon pillow planet plum
pocket pollen poppy prism quartz quilt rabbit radish raven ribbon river robin rocket ruby saddle
salmon sandal scarf shadow shell silk silver spice spruce stone storm summer sunset swan temple
tiger timber tomato topaz tulip tunnel turtle valley velvet violet violin wagon walnut walrus willow
winter wolf wool zebra zephyr
"""

WORDS: tuple[str, ...] = tuple(_LIST.split())

ENDINGS: tuple[str, ...] = ("log", "md", "txt")


def pick(random: Random, count: int) -> list[str]:
    """So many different words."""
    return random.sample(WORDS, count)


def file_names(random: Random, stems: list[str]) -> list[str]:
    """A file name for each stem."""
    return [f"{stem}.{random.choice(ENDINGS)}" for stem in stems]


def lines(random: Random, count: int) -> str:
    """So many lines of two words each."""
    return "".join(" ".join(pick(random, 2)) + "\n" for _ in range(count))
