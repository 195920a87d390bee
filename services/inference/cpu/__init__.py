"""A continuous-batching engine for small dense Qwen3 models on one processor core."""
