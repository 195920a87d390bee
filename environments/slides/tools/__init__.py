"""What the agent can do: write, render, inspect, list images."""
