"""Harbor's task directory: `task.toml` (schema 1.4 and its older spellings), its steps and its files."""
