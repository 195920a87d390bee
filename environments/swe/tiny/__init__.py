"""Software engineering for a tiny policy: modules of two lines with one wrong word, and demonstrations."""
