"""The HTTP API that all channels share."""
