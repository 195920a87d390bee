"""Tests of the larder."""
