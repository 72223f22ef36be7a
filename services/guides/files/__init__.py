"""Files of guides: what is taken, where the bytes lie, who may read them, and when they are removed."""
