"""Backup and restore of a whole county."""
