"""The read side, once; and one folder a channel with its pure projection."""
