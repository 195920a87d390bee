"""An expression as a question: each relation a sentence, the one asked for last."""

from collections.abc import Callable

from environments.search.graph.graph import Both, Expression, Hop, Named
from environments.search.graph.relation import Phrase, Relation

RelationOf = Callable[[str], Relation]


def phrase(expression: Expression, relation_of: RelationOf) -> str:
    """The question whose answer the expression describes."""
    match expression:
        case Hop(source):
            told, it = _described(source, relation_of)
            return " ".join([*told, _phrase(expression, relation_of).ask.format(it=it)])
        case Both():
            return f"Which {_kind(expression, relation_of)} is {_both(expression, relation_of)}?"
        case Named(entity):
            raise ValueError(f"{entity!r} alone asks nothing")


def _described(expression: Expression, relation_of: RelationOf) -> tuple[list[str], str]:
    """Sentences that lead to what is described, and the words that then stand for it."""
    match expression:
        case Named(entity):
            return [], entity
        case Both():
            kind = _kind(expression, relation_of)
            return [f"Take what is {_both(expression, relation_of)}."], f"that {kind}"
        case Hop(source):
            told, it = _described(source, relation_of)
            clue = _phrase(expression, relation_of).clue.format(it=it)
            return [*told, f"Take the {clue}."], f"that {_kind(expression, relation_of)}"


def _both(expression: Both, relation_of: RelationOf) -> str:
    return f"both a {_clue(expression.first, relation_of)} and a {_clue(expression.second, relation_of)}"


def _clue(expression: Expression, relation_of: RelationOf) -> str:
    if not isinstance(expression, Hop) or not isinstance(expression.source, Named):
        raise ValueError("a description of two is one relation from a named entity each")
    return _phrase(expression, relation_of).clue.format(it=expression.source.entity)


def _kind(expression: Expression, relation_of: RelationOf) -> str:
    """What sort of thing is described; both descriptions of one thing agree on it."""
    hop = expression.first if isinstance(expression, Both) else expression
    if not isinstance(hop, Hop):
        raise ValueError("a named entity has no kind here")
    relation = relation_of(hop.relation)
    return relation.object if hop.forward else relation.subject


def _phrase(hop: Hop, relation_of: RelationOf) -> Phrase:
    relation = relation_of(hop.relation)
    found = relation.forward if hop.forward else relation.backward
    if found is None:
        raise ValueError(f"{relation.name} cannot be asked backward")
    return found
