"""Grades a diff in a sandbox that no process of the agent has ever been in."""
