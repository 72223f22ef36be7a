"""Pages for operators: the pipeline as it runs, its channels, parked entries, screens, and what waits for people."""
