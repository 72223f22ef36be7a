"""The desk: pages and JSON with which staff write, review, release and look after a county."""
