"""Rules for guides beyond the shape of the model. The tables are those of the editions and the outbox."""

from contracts.codes.identifiers import CodeError, is_pseudo_uscc, parse_item_code, uscc_problem
from contracts.content.gates import ReviewPolicy
from contracts.content.guides import Guide
from services.guides.seen_items import seen_items
from shared.errors import Invalid, Violation
from shared.publishing.editions import ReleasingSource
from shared.security.privacy import holds_resident_id

SOURCE = "guides"


def publisher(region: str, review: ReviewPolicy = ReviewPolicy.NONE) -> ReleasingSource:
    """Return the source that releases guides, each of which follows the item of its code."""
    return ReleasingSource(SOURCE, "guide", region, seen_items, review)


def accept(guide: Guide) -> None:
    """Raise `Invalid` for a code that breaks C-1 or C-2, or for a resident ID number in a text."""
    try:
        uscc = parse_item_code(guide.code).uscc
    except CodeError as error:
        raise Invalid(Violation(error.field, error.rule, str(error), guide.code)) from None
    wrong = None if is_pseudo_uscc(uscc) else uscc_problem(uscc)
    if wrong:
        raise Invalid(Violation("code", "C-2", wrong, uscc))
    if holds_resident_id(guide.model_dump_json(exclude={"code"})):
        raise Invalid(Violation("body", "no_personal_data", "the text contains a resident ID number"))
