"""The `podium` command: starts everything on one machine, and talks to the orchestrator."""
