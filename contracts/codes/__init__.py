"""Identifiers and code tables of the field, and the checks that use them."""
