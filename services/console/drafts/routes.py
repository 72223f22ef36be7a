"""Pages of writing: the list, one code with its form, new, my work, differences."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from contracts.base import Json
from contracts.content.files import SHA256
from services.console.accounts.rights import may
from services.console.content.differences import differences
from services.console.content.reading import Problem
from services.console.content.shape import ContentKind, label_of
from services.console.content.typed import Texts, changed_rows, from_form
from services.console.content.words import STATES
from services.console.drafts.checks import findings_in, problems_in
from services.console.drafts.form_view import view_of
from services.console.drafts.saving import Decisions
from services.console.drafts.uploads import Uploads, without_file
from services.console.drafts.versions import Side, side_of, sides_of
from services.console.drafts.working_copies import WorkingCopy
from services.console.drafts.writing import SavedBoth, Writing
from services.console.pages.forms import FormWithFiles
from services.console.pages.frame import page, see_other
from services.console.release.single import ReleaseDrafts, release_drafts
from services.console.reviews.acts import Acts
from services.console.reviews.reading import WORDS as REVIEW_WORDS
from shared.errors import Conflict, Invalid, NotFound, Refused, Violation
from shared.text.local_midnight import today
from shared.tokens.person import Person, StaffRole

Code = Annotated[str, Path(pattern=r"^([0-9A-Z]{31}|[0-9A-Z]{33})$")]
Staff = Annotated[Person, Depends(may())]
Editor = Annotated[Person, Depends(may(StaffRole.EDITOR))]
END = "@end"
"""The form's last field: a form that lacks it was cut off on its way, and would empty what is missing."""
PAGE = 50


def routes_of(writing: Writing, acts: Acts, uploads: Uploads) -> APIRouter:
    """Return the routes. `acts`: on reviews, whose state the pages show."""
    routes = APIRouter(include_in_schema=False)
    _add_lists(routes, writing, acts)
    _add_form(routes, writing, uploads)
    _add_files(routes, uploads)
    _add_differences(routes, writing)
    return routes


def _add_lists(routes: APIRouter, writing: Writing, acts: Acts) -> None:
    @routes.get("/content")
    def some(
        request: Request,
        person: Staff,
        q: Annotated[str, Query(max_length=200)] = "",
        department: Annotated[str, Query(pattern=r"^[0-9A-Z]{0,18}$")] = "",
        state: Annotated[str, Query(pattern=r"^[a-z]{0,12}$")] = "",
        after: Annotated[str, Query(pattern=r"^[0-9A-Z]{0,33}$")] = "",
    ) -> Response:
        wanted = {"q": q, "department": department, "state": state}
        found = writing.editions.overview(ContentKind.ITEM, person, **wanted, after=after, limit=PAGE)
        departments = writing.editions.departments(person)
        given = {**wanted, "rows": found["rows"], "next": found["next"], "total": found["total"], "states": STATES}
        given |= {"mine": writing.copies.of(person), "reviews": acts.desk.states(person)}
        return page(request, "content_list.html", person=person, departments=departments, **given)

    @routes.get("/content/work")
    def work(request: Request, person: Editor) -> Response:
        return page(request, "content_work.html", person=person, mine=writing.copies.of(person))


def _add_form(routes: APIRouter, writing: Writing, uploads: Uploads) -> None:
    @routes.get("/content/{code}")
    def form(request: Request, person: Editor, code: Code) -> Response:
        return _form_page(request, person, writing.open(person, code))

    @routes.post("/content/{code}")
    def act(request: Request, person: Editor, code: Code, sent: FormWithFiles) -> Response:
        given = from_form((name, str(value)) for name, value in sent.multi_items())
        if END not in given:
            raise Invalid(Violation(END, "cut_off", "the form did not arrive whole: send it again"))
        act, _, place = given.get("act", "keep").partition(":")
        texts = {path: text for path, text in given.items() if path.split(".")[0] in set(ContentKind)}
        if act == "discard":
            writing.copies.discard(person, code)
            return see_other(f"content/{code}" if given.get("exists") else "content")
        texts, refused = uploads.taken(person, code, texts, sent.multi_items())
        if place and not refused:
            texts = _with_act(texts, act, place)
        try:
            copy = writing.keep(person, code, texts, _number(given.get("version", "")))
        except Conflict:
            return _in_another_window(request, person, writing, code, texts)
        if refused:
            return _form_page(request, person, copy, refused=refused, status=422)
        if place:
            return see_other(f"content/{code}#{place.partition(':')[0]}")
        if act == "keep":
            return _form_page(request, person, copy, notices=["已暂存。还没有存为草稿，别人看不到。"])
        return _saved(request, person, writing, copy, given)


def _add_files(routes: APIRouter, uploads: Uploads) -> None:
    @routes.get("/files/{sha256}")
    def file(person: Staff, sha256: Annotated[str, Path(pattern=SHA256)]) -> Response:
        """Whoever writes or reviews a guide opens its forms, also before they are released."""
        content, media_type = uploads.content(person, sha256)
        headers = {"Content-Disposition": "attachment", "Cache-Control": "no-store"}
        return Response(content, headers=headers, media_type=media_type)


def _saved(request: Request, person: Person, writing: Writing, copy: WorkingCopy, given: Mapping[str, str]) -> Response:
    saved = writing.save(person, copy, _decisions(given))
    if not saved.is_done:
        status = 409 if any(one.conflicts for one in saved.documents.values()) else 422
        return _form_page(request, person, saved.copy, saved, status=status)
    notices = ["已存为草稿。"]
    if given.get("act") == "release" and StaffRole.RELEASER in person.roles:
        return _released(request, person, writing, saved)
    if given.get("act") == "submit":
        return _submitted(request, person, saved)
    return _form_page(request, person, saved.copy, saved, notices=notices)


def _released(request: Request, person: Person, writing: Writing, saved: SavedBoth) -> Response:
    """Release what was just saved, and lead to the receipt; the form says what was not released."""
    copy = saved.copy
    etags = {kind: copy.base(kind).etag for kind in saved.documents}
    wanted = ReleaseDrafts.model_validate({"code": copy.code, "etags": etags})
    try:
        done = release_drafts(writing.copies.db, writing.editions.services, person, wanted)
    except Refused as error:
        notices = ["已存为草稿。", f"没有发布：{error}"]
        return _form_page(request, person, copy, saved, notices=notices, status=409)
    if done["receipt"] and not done["failed"]:
        return see_other(f"release/receipts/{done['receipt']['number']}")
    notices = ["事项已发布，办事指南没有发布：" + done["failed"] if done["failed"] else "没有变化：这些内容已经发布。"]
    return _form_page(request, person, writing.open(person, copy.code), saved, notices=notices)


def _submitted(request: Request, person: Person, saved: SavedBoth) -> Response:
    """Submit for review what was just saved, and lead to the review."""
    acts: Acts = request.app.state.reviewing
    try:
        made = acts.submitting.code(person, saved.copy.code, None)
    except Refused as error:
        notices = ["已存为草稿。", f"没有送审：{error}"]
        return _form_page(request, person, saved.copy, saved, notices=notices, status=error.status)
    return see_other(f"reviews/{made[0]['source']}/{made[0]['number']}")


def _form_page(
    request: Request,
    person: Person,
    copy: WorkingCopy,
    saved: SavedBoth | None = None,
    *,
    notices: list[str] | None = None,
    refused: Mapping[str, Problem] | None = None,
    status: int = 200,
) -> Response:
    documents = saved.documents if saved else {}
    problems = saved.problems if saved else (problems_in(copy) if copy.touched and copy.version > 1 else {})
    problems = {**problems, **(refused or {})}
    shown = view_of(copy, problems, findings_in(copy, today(datetime.now(UTC))), documents, notices or ())
    acts: Acts = request.app.state.reviewing
    given: Json = {"may_release": StaffRole.RELEASER in person.roles, "end": END, "words": REVIEW_WORDS}
    given["reviews"] = acts.desk.of_code(person, copy.code)
    return page(request, "content_form.html", person=person, status=status, view=shown, **given)


def _in_another_window(request: Request, person: Person, writing: Writing, code: str, texts: Texts) -> Response:
    """What was typed here is shown again, with what the other window has, and stored when it is sent once more."""
    other = writing.copies.find(person, code) or writing.open(person, code)
    differing = [path for path in {**texts, **other.texts} if texts.get(path, "") != other.texts.get(path, "")]
    there = [(path.partition("."), other.texts.get(path, "")) for path in differing if "@" not in path]
    told = sorted(f"{label_of(ContentKind(kind), rest)}（那里是：{text or '空'}）" for (kind, _, rest), text in there)
    notice = "您在另一个窗口里改过这份内容。下面是这个窗口里填写的；再点一次就以它为准。"
    notice += f"不同的地方：{'；'.join(told)}"
    mine = WorkingCopy(code, texts, other.bases, other.version, other.changed_at, touched=True)
    return _form_page(request, person, mine, notices=[notice], status=409)


def _add_differences(routes: APIRouter, writing: Writing) -> None:
    @routes.get("/content/{code}/differences")
    def compare(
        request: Request, person: Staff, code: Code, before: Side = "in_force", after: Side = "draft"
    ) -> Response:
        documents = []
        for kind in ContentKind:
            edition = writing.editions.find(kind, code, person)
            if edition is None:
                continue
            old, new = (side_of(writing.editions, kind, code, edition, one, person) for one in (before, after))
            sides = sides_of(writing.editions, kind, code, edition, person)
            documents.append({"kind": kind, "sides": sides, "found": differences(kind, old, new)})
        if not documents:
            raise NotFound(code)
        given: dict[str, Any] = {"code": code, "documents": documents, "before": before, "after": after}
        return page(request, "content_differences.html", person=person, **given)


def _with_act(texts: Texts, act: str, place: str) -> Texts:
    """Add, remove or move a part: `add:guide.materials`, `remove:guide.materials.2`; `drop:<field>:<sha256>` a file."""
    if act == "upload":
        return texts
    if act == "drop":
        return without_file(texts, *place.split(":", 1)) if ":" in place else texts
    kind, _, rest = place.partition(".")
    name, _, number = rest.partition(".")
    prefix = f"{kind}."
    about = {path.removeprefix(prefix): text for path, text in texts.items() if path.startswith(prefix)}
    changed = changed_rows(about, name, act, int(number) if number.isascii() and number.isdigit() else None)
    others = {path: text for path, text in texts.items() if not path.startswith(prefix)}
    return others | {f"{prefix}{path}": text for path, text in changed.items()}


def _decisions(given: Mapping[str, str]) -> dict[ContentKind, Decisions]:
    made: dict[ContentKind, Decisions] = {}
    for kind in ContentKind:
        prefix = f"decide.{kind.value}."
        sides: dict[str, Any] = {
            name.removeprefix(prefix): side
            for name, side in given.items()
            if name.startswith(prefix) and side in ("mine", "theirs")
        }
        if sides:
            made[kind] = Decisions(given.get(f"seen.{kind.value}", ""), sides)
    return made


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
