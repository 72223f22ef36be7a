"""Turns the ledger's entries into what a channel shows: apply, release sets, parked entries, digests."""
