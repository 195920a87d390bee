"""Scripted episodes on generated tasks, right and wrong, as the messages that a live agent would exchange."""
