"""Entities of a corpus and the relations that its sentences state between them."""
