"""What a guide must be beyond its shape; its tables are the editions and the outbox."""

from contracts.guides import Guide
from contracts.identifiers import CodeError, is_pseudo_uscc, parse_item_code, uscc_problem
from shared.editions import Publisher
from shared.errors import Invalid, Violation
from shared.privacy import holds_resident_id

SOURCE = "guides"


def publisher(region: str) -> Publisher:
    """Who releases guides."""
    return Publisher(SOURCE, "guide", region)


def accept(guide: Guide) -> None:
    """Raise `Invalid` for a code that cannot be one (C-1, C-2), or for a citizen's ID in a text."""
    try:
        uscc = parse_item_code(guide.code).uscc
    except CodeError as error:
        raise Invalid(Violation(error.field, error.rule, str(error), guide.code)) from None
    wrong = None if is_pseudo_uscc(uscc) else uscc_problem(uscc)
    if wrong:
        raise Invalid(Violation("code", "C-2", wrong, uscc))
    if holds_resident_id(guide.model_dump_json(exclude={"code"})):
        raise Invalid(Violation("body", "no_personal_data", "a text holds a resident ID number"))
