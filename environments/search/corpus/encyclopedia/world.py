"""A consistent world: entities and facts, drawn so that years add up and a few places are famous."""

from calendar import month_name
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from random import Random

from environments.search.corpus.encyclopedia.names import names
from environments.search.corpus.encyclopedia.relations import RELATIONS
from environments.search.graph.relation import Relation

COUNTS: Mapping[str, int] = {
    "region": 8,
    "mountain": 24,
    "river": 24,
    "town": 64,
    "school": 16,
    "guild": 14,
    "person": 170,
    "press": 14,
    "book": 90,
    "bridge": 32,
    "ship": 48,
    "museum": 14,
    "painting": 80,
    "festival": 32,
}
_VALUES: Mapping[str, tuple[str, ...]] = {
    "trade": (
        "amber", "cider", "clocks", "copper", "glass", "honey", "leather", "paper",
        "pottery", "rope", "salt", "silk", "slate", "timber", "tin", "wool",
    ),
    "occupation": (
        "a botanist", "a cartographer", "a chemist", "a clockmaker", "a composer", "a navigator",
        "a physician", "a playwright", "a surveyor", "an astronomer", "an engineer", "an engraver",
    ),
    "month": tuple(month_name[1:]),
}  # fmt: skip
_KNOWN = 0.85  # chance that a fact is recorded: real encyclopedias have gaps


@dataclass(frozen=True)
class Fact:
    """What holds in the world: `object` is an entity's name or a value."""

    subject: str
    relation: Relation
    object: str


@dataclass
class World:
    """Names by kind and the facts about them, each subject with at most one object a relation."""

    entities: dict[str, tuple[str, ...]] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    years: dict[str, int] = field(default_factory=dict)  # of birth, for people


def draw_world(seed: int) -> World:
    """The world of a seed, the same on every platform."""
    random = Random(f"encyclopedia/{seed}")
    world, taken = World(), set[str]()
    for kind, count in COUNTS.items():
        world.entities[kind] = tuple(islice(names(kind, random, taken), count))
    world.years = {person: random.randint(1700, 1860) for person in world.entities["person"]}
    for relation in RELATIONS:
        for subject in world.entities[relation.subject]:
            _state(world, relation, subject, random)
    return world


def _state(world: World, relation: Relation, subject: str, random: Random) -> None:
    if random.random() < _KNOWN:
        object = _object(world, relation, subject, random)
        if object is not None:
            world.facts.append(Fact(subject, relation, object))


def _object(world: World, relation: Relation, subject: str, random: Random) -> str | None:
    if relation.object in world.entities:
        return _entity(world, relation, subject, random)
    if relation.object == "year":
        return str(_year(world, relation, subject, random))
    if relation.object == "height in metres":
        return str(random.randint(900, 4_800))
    return random.choice(_VALUES[relation.object])


def _entity(world: World, relation: Relation, subject: str, random: Random) -> str | None:
    candidates = world.entities[relation.object]
    if relation.name == "teacher":
        born = world.years[subject]
        candidates = tuple(name for name in candidates if 20 <= born - world.years[name] <= 45)
    # A Zipf-like fame: the first of a kind are mentioned often, the many after them seldom.
    fame = [1 / (rank + 4) for rank in range(len(candidates))]
    return random.choices(candidates, fame)[0] if candidates else None


def _year(world: World, relation: Relation, subject: str, random: Random) -> int:
    if relation.name == "birth_year":
        return world.years[subject]
    if relation.name == "chartered_in":
        return random.randint(1080, 1420)
    people = [world.years[fact.object] for fact in world.facts if _made(fact, subject, world)]
    return max(people, default=random.randint(1700, 1860)) + random.randint(24, 50)


def _made(fact: Fact, subject: str, world: World) -> bool:
    return fact.subject == subject and fact.object in world.years
