"""Content blocks: one value that many documents use, changed once."""
