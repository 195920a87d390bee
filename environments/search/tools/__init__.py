"""What the agent can do: search, open, find, python."""
