"""Bodies that are erased as the law requires, or withheld until their time."""
