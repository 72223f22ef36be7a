"""How a channel verifies its ledger: keys, continuity, cosignatures."""
