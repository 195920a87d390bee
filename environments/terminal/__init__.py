"""Terminal tasks: Harbor directories, solved with a bash tool in a sandbox."""
