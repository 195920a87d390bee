"""For authors of environments: write one, check one, play one."""
