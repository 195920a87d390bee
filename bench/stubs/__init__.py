"""Processes that stand in for the slow and heavy parts of Podium, so that the rest can be measured."""
