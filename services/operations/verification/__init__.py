"""Checks whether every channel shows exactly what the sources released."""
