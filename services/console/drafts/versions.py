"""The versions of a document that can be compared: what is in force, the draft, what is planned, and old ones."""

import re
from typing import Annotated

from fastapi import Query

from contracts.base import Json
from services.console.content.shape import ContentKind
from services.console.upstream.editions import Edition, Editions
from shared.errors import Invalid, Violation
from shared.tokens.person import Person

IN_FORCE, DRAFT = "in_force", "draft"
LONGEST_SIDE = 10
Side = Annotated[str, Query(pattern=r"^(in_force|draft|[0-9]{1,9})$", description="in_force, draft, or a version")]
OPS = {"release": "发布", "withdraw": "撤下"}


def side_of(
    editions: Editions, kind: ContentKind, code: str, edition: Edition, side: str, person: Person
) -> Json | None:
    """Return the body of one side; None where nothing is shown. Raises `NotFound` for a version that is not there."""
    if side == IN_FORCE:
        return edition.in_force
    if side == DRAFT:
        return edition.draft
    if not re.fullmatch(r"[0-9]{1,9}", side):
        raise Invalid(Violation("before", "side", "must be in_force, draft or a version", side[:LONGEST_SIDE]))
    return editions.body(kind, code, int(side), person)


def sides_of(editions: Editions, kind: ContentKind, code: str, edition: Edition, person: Person) -> list[Json]:
    """Return what can be compared, newest first: `side`, `words`, `at`."""
    planned = {one["version"] for one in edition.planned}
    versions = editions.history(kind, code, person) if edition.version else []
    told: list[Json] = []
    for one in reversed(versions):
        op = f"{OPS.get(one['op'], one['op'])}{'，计划中' if one['version'] in planned else ''}"
        at = one["effective_at"] or one["released_at"]
        told.append({"side": str(one["version"]), "words": f"第{one['version']}版（{op}）", "at": at})
    return [{"side": DRAFT, "words": "草稿", "at": ""}, {"side": IN_FORCE, "words": "现在公布的", "at": ""}, *told]
