"""Pages of a process that belong to no service."""
