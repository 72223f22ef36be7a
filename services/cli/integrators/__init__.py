"""Commands for those who write programs that read a county."""
