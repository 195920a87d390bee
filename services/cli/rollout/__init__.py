"""`podium rollout`: one rollout of one task directory, without an orchestrator."""
