"""Task families: one folder each, and the one FastAPI app that serves any of them."""
