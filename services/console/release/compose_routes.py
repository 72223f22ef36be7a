"""The page that composes a set: find items and guides, tick them, see what each changes, release all as one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from contracts.base import Json
from services.console.accounts.rights import form_of, may
from services.console.content.shape import ContentKind
from services.console.content.words import STATES
from services.console.pages.forms import text, texts
from services.console.pages.frame import page, see_other
from services.console.pages.times import form_time, typed_time
from services.console.release.api import Releaser
from services.console.release.compose import ALL, BLOCK, OPS, Chosen, Composer, Wanted, members_of
from services.console.release.requests import SetRequest, announced
from services.console.release.told import TOLD, errors_of, told_of
from services.console.release.work import Releasing
from services.console.reviews.submitting import Submitting
from shared.errors import Invalid, Refused, Violation
from shared.text.validation import parse
from shared.tokens.person import Person, StaffRole

FormData = Annotated[Any, Depends(form_of)]
Editor = Annotated[Person, Depends(may(StaffRole.EDITOR, StaffRole.RELEASER))]
FIELD_WORDS = {
    "effective_at": "请填以后的时间，或留空在发齐后立即显示",
    "note": "变更说明最多500字",
    "members": "请先勾选事项或办事指南",
}
READ_AGAIN = "有内容在您打开之后又改过。下面已是新的不同，请看过再发布"
MOST_CHOSEN = 500


def routes_of(releasing: Releasing, composer: Composer, submitting: Submitting) -> APIRouter:
    """Return the routes. `submitting`: begins the reviews of a set."""
    routes = APIRouter(prefix="/release/compose", include_in_schema=False)
    pages = _Pages(releasing, composer, submitting)

    @routes.get("")
    def begin(
        request: Request,
        person: Editor,
        code: Annotated[list[str] | None, Query(max_length=MOST_CHOSEN)] = None,
        block: Annotated[str, Query(pattern=r"^[0-9]{0,9}$")] = "",
        at: datetime | None = None,
    ) -> Response:
        """`code`: what has changed of these is ticked. `block`: what uses a content block is found. `at`: when."""
        wanted = [Wanted.of(f"{kind}:{one}") for one in code or () for kind in ContentKind]
        when = form_time(at.isoformat()) if at else ""
        given = {
            "from": f"{BLOCK}{block}" if block else ALL,
            "q": "",
            "effective_at": when,
            "note": "",
            **dict.fromkeys(TOLD, ""),
        }
        known = [one for one in composer.chosen(person, filter(None, wanted)) if one.revision]
        changed = [one for one in known if one.found]
        return pages.show(request, person, given, changed or known, searched=bool(block))

    @routes.post("")
    def show(request: Request, person: Editor, sent: FormData) -> Response:
        return pages.show(request, person, typed_of(sent), composer.chosen(person, wanted_of(sent)), searched=True)

    @routes.post("/send")
    def send(request: Request, person: Releaser, sent: FormData) -> Response:
        return pages.send(request, person, sent)

    @routes.post("/submit")
    def submit(request: Request, person: Editor, sent: FormData) -> Response:
        return pages.submit(request, person, sent)

    return routes


class _Pages:
    """Shows the page, and begins the set."""

    def __init__(self, releasing: Releasing, composer: Composer, submitting: Submitting) -> None:
        self._releasing, self._composer, self._submitting = releasing, composer, submitting

    def show(
        self,
        request: Request,
        person: Person,
        typed: Json,
        chosen: list[Chosen],
        *,
        errors: Json | None = None,
        searched: bool = False,
        status: int = 200,
    ) -> Response:
        keys = {one.wanted.key for one in chosen}
        found = self._composer.search(person, typed["from"], typed["q"]) if searched else []
        return page(
            request,
            "compose.html",
            person=person,
            status=status,
            typed=typed,
            errors=errors or {},
            places=self._composer.places(person),
            found=[one for one in found if one["key"] not in keys],
            searched=searched,
            chosen=chosen,
            ops=OPS,
            states=STATES,
            reviewed=self._submitting.reviews.is_needed(person),
            may_release=StaffRole.RELEASER in person.roles,
        )

    def send(self, request: Request, person: Person, sent: Any) -> Response:
        def begin(members: Json, at: datetime | None, note: str | None) -> str:
            return f"release/sets/{self._releasing.sets.begin(person, members, at, note)['act']}"

        return self._act(request, person, sent, begin)

    def submit(self, request: Request, person: Person, sent: Any) -> Response:
        def begin(members: Json, at: datetime | None, note: str | None) -> str:
            made = self._submitting.members(person, members, at, note)
            return f"reviews/{made[0]['source']}/{made[0]['number']}"

        return self._act(request, person, sent, begin)

    def _act(
        self, request: Request, person: Person, sent: Any, begin: Callable[[Json, datetime | None, str | None], str]
    ) -> Response:
        """Begin something with the members as they were seen, and lead to it."""
        typed, chosen = typed_of(sent), self._composer.chosen(person, wanted_of(sent))
        try:
            require_seen(chosen)
            when: Json = {"effective_at": typed_time(typed["effective_at"])} if typed["effective_at"] else {}
            asked = parse(SetRequest, {**when, "note": typed["note"] or None, **told_of(typed)})
            members = announced(members_of(chosen), asked.effective_at, asked.announcement)
            address = begin(members, asked.effective_at, asked.note)
        except Refused as error:
            errors = errors_of(error, FIELD_WORDS)
            seen = [replace(one, wanted=replace(one.wanted, revision=one.revision)) for one in chosen]
            return self.show(request, person, typed, seen, errors=errors, status=error.status)
        return see_other(address)


def typed_of(sent: Any) -> Json:
    """Return what the form says beside its members."""
    return {name: text(sent, name) for name in ("from", "q", "effective_at", "note", *TOLD)}


def wanted_of(sent: Any) -> list[Wanted]:
    """Return the ticked members of the form, with what becomes of each and the revision that was shown."""
    some = [Wanted.of(key, text(sent, f"op.{key}"), text(sent, f"seen.{key}")) for key in texts(sent, "member")]
    return list(filter(None, some))


def require_seen(chosen: list[Chosen]) -> None:
    """Raise `Invalid` for a member that is not there, and for one whose newest draft the person has not seen."""
    if not chosen:
        raise Invalid(Violation("members", "missing", FIELD_WORDS["members"]))
    if len(chosen) > MOST_CHOSEN:
        raise Invalid(Violation("", "too_long", f"一组最多{MOST_CHOSEN}项，现在是{len(chosen)}项：请分成几组"))
    wrong = [Violation("", "unknown", f"{one.name}：{one.problem}") for one in chosen if not one.revision]
    if not wrong and any(one.changed_since or one.wanted.revision is None for one in chosen):
        wrong = [Violation("", "changed", READ_AGAIN)]
    if wrong:
        raise Invalid(*wrong)
