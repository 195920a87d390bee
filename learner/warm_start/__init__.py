"""Makes the tiny policy that ships with the project: tokenizer, model, supervised training."""
