"""The contract `podium.environment/1` as checks that any implementation can be put through."""
