"""Pages in a real browser, and what is measured of them."""
