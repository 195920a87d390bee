"""Search for a tiny policy: an atlas of short pages, questions that one page answers, demonstrations."""
