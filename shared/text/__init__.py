"""Text from and for people: dates, languages, strict JSON, validation."""
