"""Scripted episodes on every family's tasks for a tiny policy, told as a live agent would tell them."""
