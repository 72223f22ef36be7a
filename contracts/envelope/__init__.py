"""Messages on the broker: the envelope, releases, publications, heads and statements."""
