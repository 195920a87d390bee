"""What pages draw, worked out from what the REST API answers."""
