"""Turns the ledger's entries into what a channel shows: apply, rebuild, repair, drill."""
