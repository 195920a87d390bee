"""Benchmarks that print figures: a table, and last one JSON line."""
