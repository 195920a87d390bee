"""mini-swe-agent, unmodified: a process of its own, with our sandbox as its environment."""
