"""Searching pages: what a search engine promises, and one over local pages."""
