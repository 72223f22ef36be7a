"""The HTTP server's bounds: connections, requests, answers and the bytes that a process holds for all of them."""
