"""The rules by which a file is refused. The desk has Chinese words for each."""

from shared.errors import Invalid, Violation

FIELD = "file"

EMPTY = "file_empty"
TOO_LARGE = "file_too_large"
UNKNOWN_TYPE = "file_type"
DAMAGED = "file_damaged"
ACTIVE = "file_active_content"
LOCKED = "file_locked"
PERSONAL = "file_personal_data"
UNKNOWN_FILE = "file_unknown"
OTHER_FACTS = "file_facts"


def refused(rule: str, message: str) -> Invalid:
    """Return the error for an uploaded file."""
    return Invalid(Violation(FIELD, rule, message))
