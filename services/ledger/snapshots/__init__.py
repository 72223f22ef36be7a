"""The newest entry of every key at a given size, with the trees that prove it."""
