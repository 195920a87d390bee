"""Environments to begin one's own from: `podium env new` copies `letters`, `sums.mjs` needs no Python."""
