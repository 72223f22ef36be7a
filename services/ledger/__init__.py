"""ledger: the single sequencer. Assigns every release its position, appends it to the Merkle tree, signs the head."""
