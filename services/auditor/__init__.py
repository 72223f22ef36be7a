"""The auditor: reads what everybody can read, compares it with the ledger, has it repaired, and keeps the record."""
