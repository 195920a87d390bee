"""A fictional encyclopedia: a world drawn from a seed, and pages that state its facts in prose."""
