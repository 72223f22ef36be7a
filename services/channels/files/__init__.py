"""Blank forms and samples of the guides that a channel shows: fetched from guides, checked, kept, served."""
