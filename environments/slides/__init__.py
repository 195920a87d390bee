"""Slides: an agent writes HTML pages, and what a real browser paints of them is measured."""
