"""The sources of the ledger: their keys, their lanes, and inquiries to them."""
