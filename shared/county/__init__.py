"""The county that a store belongs to."""
