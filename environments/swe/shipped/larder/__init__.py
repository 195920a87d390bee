"""What is in the larder, how much of it, and what can be cooked from it."""
