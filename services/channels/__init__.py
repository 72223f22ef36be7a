"""The read side that all channels share, and one folder per channel with its pure projection."""
