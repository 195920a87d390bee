"""The process that alone holds the Docker socket and opens sandboxes for those who may ask for them."""
