"""How the auditor reads channels, compares them, and requests repairs."""
