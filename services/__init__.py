"""Podium's services: the words and tools that processes share, and the processes around the model."""
