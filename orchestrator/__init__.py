"""The orchestrator: decides which rollout runs when, and keeps the record of every one."""
