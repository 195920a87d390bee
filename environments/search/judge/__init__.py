"""Whether an answer is right: by its letters, or by a model with a rubric."""
