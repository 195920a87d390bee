"""Whether tasks are fit to train on: oracle, no-op and controls over all of them, whatever the family."""
