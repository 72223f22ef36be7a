"""Numbered feeds between services: outbox, relay, follower, and clients of the ledger and the sources."""
