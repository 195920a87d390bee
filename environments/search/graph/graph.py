"""The statements of a corpus as a graph, and questions as expressions that it evaluates."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from environments.search.graph.triple import Triple


@dataclass(frozen=True)
class Named:
    """An entity that the question names."""

    entity: str


@dataclass(frozen=True)
class Hop:
    """What stands at the other end of a relation: the object if `forward`, else the subject."""

    source: "Expression"
    relation: str
    forward: bool


@dataclass(frozen=True)
class Both:
    """What fits two descriptions at once."""

    first: "Expression"
    second: "Expression"


Expression = Named | Hop | Both


class Edge(NamedTuple):
    """A way to leave an entity: a relation and its direction."""

    relation: str
    forward: bool


class Graph:
    """Triples by subject and by object. Entities are those with a page: subjects of some triple."""

    def __init__(self, triples: Iterable[Triple]) -> None:
        self._by_ends: dict[tuple[str, Edge], dict[str, Triple]] = defaultdict(dict)
        self._edges: dict[str, dict[Edge, None]] = defaultdict(dict)
        self._frequency: Counter[str] = Counter()
        self._popular: dict[Edge, list[str]] = {}
        self.triples = tuple(triples)
        self._by_page: dict[str, list[Triple]] = defaultdict(list)
        for triple in self.triples:
            self._by_page[triple.page].append(triple)
            self._add(triple.subject, Edge(triple.relation, True), triple.object, triple)
            self._add(triple.object, Edge(triple.relation, False), triple.subject, triple)
        self.entities = tuple(sorted({triple.subject for triple in self.triples}))
        self._known = frozenset(self.entities)

    def _add(self, end: str, edge: Edge, other: str, triple: Triple) -> None:
        self._by_ends[end, edge].setdefault(other, triple)
        self._edges[end].setdefault(edge)
        self._frequency[end] += 1

    def is_entity(self, name: str) -> bool:
        return name in self._known

    def edges(self, entity: str) -> tuple[Edge, ...]:
        return tuple(self._edges.get(entity, ()))

    def ends(self, entity: str, edge: Edge) -> tuple[str, ...]:
        """What an edge leads to, in the order of the corpus."""
        return tuple(self._by_ends.get((entity, edge), ()))

    def objects(self, subject: str, relation: str) -> tuple[str, ...]:
        return self.ends(subject, Edge(relation, True))

    def statement(self, entity: str, edge: Edge, other: str) -> Triple:
        return self._by_ends[entity, edge][other]

    def stated_on(self, page: str) -> tuple[Triple, ...]:
        """What was read on one page, in its order."""
        return tuple(self._by_page.get(page, ()))

    def frequency(self, entity: str) -> int:
        """How many statements mention the entity."""
        return self._frequency[entity]

    def not_frequent(self, share: float) -> list[str]:
        """The entities of low and middle frequency: this share of all, the least mentioned first."""
        ranked = sorted(self.entities, key=lambda entity: (self._frequency[entity], entity))
        return ranked[: round(share * len(ranked))]

    def popular_ends(self, edge: Edge) -> list[str]:
        """Everything that this edge leads to from somewhere, the most frequent first: what a guesser says.

        A relation that is stated only once tells a guesser nothing: then it is every entity.
        """
        if edge not in self._popular:
            reached = [
                triple.object if edge.forward else triple.subject
                for triple in self.triples
                if triple.relation == edge.relation
            ]
            once = len(reached) == 1
            weight = Counter(reached) if edge.forward and not once else self._frequency
            pool = self.entities if once else set(reached)
            self._popular[edge] = sorted(pool, key=lambda end: (-weight[end], end))
        return self._popular[edge]

    def evaluate(self, expression: Expression) -> frozenset[str]:
        """Everything that the expression describes."""
        match expression:
            case Named(entity):
                return frozenset({entity})
            case Hop(source, relation, forward):
                edge = Edge(relation, forward)
                return frozenset(end for start in self.evaluate(source) for end in self.ends(start, edge))
            case Both(first, second):
                return self.evaluate(first) & self.evaluate(second)

    def holds(self, expression: Expression, candidate: str) -> bool:
        """Whether a candidate fits, worked out from the candidate back to what the question names."""
        match expression:
            case Named(entity):
                return entity == candidate
            case Hop(source, relation, forward):
                back = Edge(relation, not forward)
                return any(self.holds(source, start) for start in self.ends(candidate, back))
            case Both(first, second):
                return self.holds(first, candidate) and self.holds(second, candidate)

    def evidence(self, expression: Expression, answer: str) -> tuple[Triple, ...]:
        """The statements that lead from what the question names to the answer, in that order."""
        match expression:
            case Named():
                return ()
            case Hop(source, relation, forward):
                edge = Edge(relation, forward)
                start = next(one for one in self.evaluate(source) if answer in self.ends(one, edge))
                return (*self.evidence(source, start), self.statement(start, edge, answer))
            case Both(first, second):
                return (*self.evidence(first, answer), *self.evidence(second, answer))


def hops(expression: Expression) -> int:
    """How many relations a question combines."""
    match expression:
        case Named():
            return 0
        case Hop(source):
            return hops(source) + 1
        case Both(first, second):
            return hops(first) + hops(second)
