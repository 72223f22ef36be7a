"""The log of events: what anybody may read of the ledger, in the order in which it came to count."""
