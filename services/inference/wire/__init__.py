"""SGLang's HTTP bodies: parsed at the door, and built on the way out."""
