"""Slides for a tiny policy: cards of few words, and demonstrations of good and bad ways to style them."""
