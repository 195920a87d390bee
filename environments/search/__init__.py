"""Search tasks: questions whose answers take several pages to find."""
