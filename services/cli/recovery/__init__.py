"""Commands to recover from failures."""
