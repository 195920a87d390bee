"""Isolated shells for untrusted commands: a port, and its forms by bubblewrap, Docker and a sandbox host."""
