"""ledger: the one sequencer. Gives every release its position, chains it, signs the head."""
