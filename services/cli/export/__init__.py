"""Rollouts as files that others read without Podium: JSONL, Parquet and ATIF."""
