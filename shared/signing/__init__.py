"""Ed25519 keys in a file: creation, rotation with overlap, and endorsement by the previous key."""
