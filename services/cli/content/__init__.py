"""Commands for published content."""
