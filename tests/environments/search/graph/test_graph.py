"""Expressions mean the same forward, from what is named, and backward, from a candidate."""

from hypothesis import given
from hypothesis import strategies as st

from environments.search.graph.graph import Both, Edge, Expression, Graph, Hop, Named, hops
from environments.search.graph.triple import Triple

ENDS = st.sampled_from("abcdef")
TRIPLES = st.lists(
    st.builds(
        lambda s, r, o: Triple(s, r, o, f"{s}.html", f"{s} {r} {o}."), ENDS, st.sampled_from("rq"), ENDS
    ),
    max_size=20,
)
EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(
    st.builds(Named, ENDS),
    lambda inner: st.builds(Hop, inner, st.sampled_from("rq"), st.booleans()) | st.builds(Both, inner, inner),
    max_leaves=4,
)


@given(TRIPLES, EXPRESSIONS)
def test_forward_and_backward_agree(triples: list[Triple], expression: Expression) -> None:
    graph = Graph(triples)
    fits = graph.evaluate(expression)
    assert fits == {one for one in "abcdef" if graph.holds(expression, one)}


@given(TRIPLES, EXPRESSIONS)
def test_evidence_is_one_statement_a_relation(triples: list[Triple], expression: Expression) -> None:
    graph = Graph(triples)
    for answer in graph.evaluate(expression):
        evidence = graph.evidence(expression, answer)
        assert len(evidence) == hops(expression)
        assert all(triple in triples for triple in evidence)


def test_frequency_and_popularity() -> None:
    triples = [Triple(subject, "r", "x", "p", "s") for subject in "abc"] + [Triple("a", "r2", "y", "p", "s")]
    graph = Graph(triples)
    assert graph.frequency("x") == 3
    assert graph.not_frequent(0.67) == ["b", "c"]
    assert graph.popular_ends(Edge("r", True)) == ["x"]
    assert graph.popular_ends(Edge("r", False)) == ["a", "b", "c"]
    assert not graph.is_entity("x")
