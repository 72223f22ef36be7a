"""Releasing: sets of items and guides, receipts, previews, plans, and what was shown at a moment."""
