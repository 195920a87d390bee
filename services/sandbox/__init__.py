"""Isolated shells for untrusted commands: a port, and its form by bubblewrap."""
