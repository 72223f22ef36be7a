"""Search: full text, facets, lists."""
