"""The contracts as pages at `/docs/`: every event and every endpoint, made from the files in contracts/."""
