"""A question on its way through the filters."""

from dataclasses import dataclass

from environments.search.graph.graph import Edge, Expression


@dataclass(frozen=True)
class Draft:
    """The text, what it means, and the edge that it asks for last."""

    question: str
    expression: Expression
    last: Edge
