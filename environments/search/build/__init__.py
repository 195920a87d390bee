"""Questions from a corpus: walk its graph, phrase the walk, keep what passes the report's three filters."""
