"""Shared by all services and owned by none."""
