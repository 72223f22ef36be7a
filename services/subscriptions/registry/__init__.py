"""Who subscribes to what, with which keys."""
