"""Sandboxes as Docker containers. Their Docker Engine is spoken to here and nowhere else."""
