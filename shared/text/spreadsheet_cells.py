"""Cells of files that people open in a spreadsheet program."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""First characters by which a spreadsheet takes a text for a formula and runs it (OWASP, CSV injection)."""

QUOTE = "'"


def harmless(text: str) -> str:
    """Return the text so that no spreadsheet takes it for a formula."""
    return f"{QUOTE}{text}" if text.startswith(FORMULA_STARTS) else text
