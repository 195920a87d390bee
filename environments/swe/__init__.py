"""Software engineering: change a repository so that its tests pass, graded from the diff alone."""
