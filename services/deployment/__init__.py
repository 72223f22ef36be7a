"""Generates from the manifests what a platform needs to run the county: compose file, accounts, environments."""
