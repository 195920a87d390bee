"""Process: sealed groups in, trained weights out."""
