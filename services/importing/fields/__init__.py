"""Convert a row's foreign values to an item and its guide."""
