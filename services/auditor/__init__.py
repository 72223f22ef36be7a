"""The auditor: compares what the channels show with the ledger, requests repairs, and records every finding."""
