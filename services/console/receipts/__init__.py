"""Receipts: of everything that is released, since when each channel and screen shows it."""
