"""Writing: working copies, saving them as drafts at the sources, the pages and the JSON of both."""
