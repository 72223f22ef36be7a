"""Commands about those who write programs that read a county: who subscribes, and whether a reader is right."""
