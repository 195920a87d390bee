"""Draws question expressions: a chain of relations, or two descriptions of one entity and a chain from it."""

from dataclasses import dataclass
from itertools import combinations
from random import Random

from environments.search.graph.graph import Both, Edge, Expression, Graph, Hop, Named


@dataclass(frozen=True)
class Walk:
    """An expression, the one thing that it describes, the edge taken last, and what it passed."""

    expression: Expression
    answer: str
    last: Edge
    passed: frozenset[str]


def draw(graph: Graph, seed: str, hops: int, random: Random) -> Walk | None:
    """A walk of `hops` (at least 2) relations, each place the only one that fits; None if it is stuck.

    With even odds the walk starts at the seed, or hides the seed behind two descriptions that only it
    fits together and neither of which suffices alone.
    """
    hidden = random.random() < 0.5
    walk = _hidden(graph, seed, random) if hidden else _first(graph, seed, random)
    left = hops - 2 if hidden else hops - 1
    while walk is not None and left > 0:
        left -= 1
        walk = _step(graph, walk, left == 0, random)
    return walk


def _first(graph: Graph, seed: str, random: Random) -> Walk | None:
    start = Walk(Named(seed), seed, Edge("", True), frozenset({seed}))
    return _step(graph, start, False, random)


def _step(graph: Graph, walk: Walk, last: bool, random: Random) -> Walk | None:
    """One relation on, to a place not passed yet; a value (a year, a trade) can only come last."""
    steps = [
        (edge, ends[0])
        for edge in graph.edges(walk.answer)
        if len(ends := graph.ends(walk.answer, edge)) == 1
        and ends[0] not in walk.passed
        and (last or graph.is_entity(ends[0]))
    ]
    if not steps:
        return None
    edge, end = random.choice(steps)
    return Walk(Hop(walk.expression, edge.relation, edge.forward), end, edge, walk.passed | {end})


def _hidden(graph: Graph, seed: str, random: Random) -> Walk | None:
    """The seed as what is related to two named entities at once."""
    marks = [
        (Hop(Named(end), edge.relation, False), end)
        for edge in graph.edges(seed)
        if edge.forward
        for end in graph.ends(seed, edge)
        if graph.is_entity(end) and len(graph.ends(end, Edge(edge.relation, False))) > 1
    ]
    pairs = [
        (first, second)
        for first, second in combinations(marks, 2)
        if len(graph.evaluate(Both(first[0], second[0]))) == 1
    ]
    if not pairs:
        return None
    (first, one), (second, other) = random.choice(pairs)
    return Walk(Both(first, second), seed, Edge(first.relation, False), frozenset({seed, one, other}))
