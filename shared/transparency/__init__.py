"""What proves that entries are in the signed ledger: canonical bytes, Merkle trees, checkpoints, proofs."""
