"""What runs inside the grading sandbox, with nothing but Python's standard library and pytest."""
