"""The OpenAPI documents: the one that a process serves, and the files in contracts/openapi."""
