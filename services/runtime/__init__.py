"""The composition root: assembles services into processes, and into the embedded county with one address."""
