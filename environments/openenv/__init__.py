"""OpenEnv environments as they are: their server stays where it is, and is played over its `/ws`."""
