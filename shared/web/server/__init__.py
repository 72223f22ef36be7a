"""The HTTP server of a process: uvicorn with its own connection class."""
