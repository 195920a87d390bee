"""The arrows of the picture: each a port with a Redis and an in-memory form and one contract test."""
