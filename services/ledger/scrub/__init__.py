"""Scrub: reread all entries periodically, report damaged ones, and repair those whose content can be proven."""
