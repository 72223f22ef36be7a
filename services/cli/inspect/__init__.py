"""Commands that inspect a county."""
