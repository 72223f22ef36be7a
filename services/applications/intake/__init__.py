"""Reports about cases from halls, exchanges and editors."""
