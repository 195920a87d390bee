"""What a cluster needs around the processes: images, secrets, and the settings of other people's servers."""
