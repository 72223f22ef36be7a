"""Writing as JSON: the same acts as on the pages, for programs with an API token and for the pages' scripts."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from contracts.base import Contract, Json
from services.console.accounts.rights import may
from services.console.accounts.roles import require_own
from services.console.content.differences import differences
from services.console.content.merging import Side as MergeSide
from services.console.content.problems import problems_of
from services.console.content.reading import Problem, Read
from services.console.content.shape import ContentKind, label_of
from services.console.content.typed import Texts
from services.console.drafts.checks import findings_about, findings_in, problems_in, tolerant
from services.console.drafts.saving import Decisions, Saved, save_body
from services.console.drafts.versions import Side, side_of
from services.console.drafts.working_copies import Base, WorkingCopy
from services.console.drafts.writing import Writing
from services.console.upstream.editions import Edition
from shared.errors import NotFound
from shared.publishing.editions import EditionState
from shared.text.local_midnight import today
from shared.text.validation import parse
from shared.tokens.person import Person, StaffRole
from shared.web.edge import Content, takes

Code = Annotated[str, Path(pattern=r"^([0-9A-Z]{31}|[0-9A-Z]{33})$", description="实施编码 31, 业务办理项编码 33")]
Staff = Annotated[Person, Depends(may())]
Editor = Annotated[Person, Depends(may(StaffRole.EDITOR))]


class SaveRequest(Contract):
    """A draft, and what it was begun from: a change of somebody else since is merged by field.

    `etag`, `base`: as `GET /v1/content/{code}` gave them; empty for a new document. `sides` decide the conflicts that
    an answer with the tag `seen` has shown.
    """

    body: dict[str, Any] = Field(title="草稿")
    etag: str = Field(default="", max_length=60, title="开始时的版本标记")
    base: dict[str, Any] = Field(default={}, title="开始时的草稿")
    base_released: dict[str, Any] | None = Field(default=None, title="开始时已读的发布内容")
    seen: str = Field(default="", max_length=60, title="已显示的冲突所在版本")
    sides: dict[str, MergeSide] = Field(default={}, title="冲突的取舍")


class WorkingCopyRequest(Contract):
    """What is typed. `texts`: form path → text; `version`: of the working copy that it changes."""

    texts: dict[str, str] = Field(title="填写的内容")
    version: int = Field(ge=0, title="暂存的版本")


class NewRequest(Contract):
    """A new item. `copy_from`: the code of the item whose content is copied."""

    code: str = Field(pattern=r"^([0-9A-Z]{31}|[0-9A-Z]{33})$", title="实施编码")
    copy_from: str = Field(default="", pattern=r"^([0-9A-Z]{31}|[0-9A-Z]{33})?$", title="复制来源")


class LintRequest(Contract):
    """An item, a guide, or both; they may be half-written."""

    item: dict[str, Any] | None = Field(default=None, title="事项")
    guide: dict[str, Any] | None = Field(default=None, title="办事指南")


def routes_of(writing: Writing) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/v1", tags=["content"])
    _add_content(routes, writing)
    _add_saving(routes, writing)
    _add_working_copies(routes, writing)
    return routes


def _add_content(routes: APIRouter, writing: Writing) -> None:
    @routes.get("/content", summary="Find items or guides by words, department and state")
    def some(
        person: Staff,
        kind: ContentKind = ContentKind.ITEM,
        q: Annotated[str, Query(max_length=200)] = "",
        department: Annotated[str, Query(pattern=r"^[0-9A-Z]{0,18}$")] = "",
        state: EditionState | None = None,
        after: Annotated[str, Query(pattern=r"^[0-9A-Z]{0,33}$")] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> Json:
        wanted = {"q": q, "department": department, "state": state, "after": after, "limit": limit}
        return writing.editions.overview(kind, person, **wanted)

    @routes.post("/content/lint", openapi_extra=takes(LintRequest), summary="Check an item and its guide: G-1 to G-16")
    def lint(_person: Staff, content: Content) -> Json:
        given = parse(LintRequest, content)
        item = None if given.item is None else tolerant(ContentKind.ITEM, given.item)
        guide = None if given.guide is None else tolerant(ContentKind.GUIDE, given.guide)
        return {"findings": [one.as_json() for one in findings_about(item, guide, today(datetime.now(UTC)))]}

    @routes.get("/content/{code}", summary="Read item and guide: drafts, what is released, what is in force")
    def read_both(person: Staff, code: Code) -> Json:
        found = {kind.value: writing.editions.find(kind, code, person) for kind in ContentKind}
        if not any(found.values()):
            raise NotFound(f"{code}: neither an item nor a guide")
        return {kind: None if one is None else _edition(one) for kind, one in found.items()}

    @routes.get("/content/{code}/{kind}/differences", summary="Compare two versions field by field")
    def compare(person: Staff, code: Code, kind: ContentKind, before: Side = "in_force", after: Side = "draft") -> Json:
        edition = writing.editions.find(kind, code, person)
        if edition is None:
            raise NotFound(f"{code}: there is no {kind}")
        old, new = (side_of(writing.editions, kind, code, edition, one, person) for one in (before, after))
        return {"differences": [one.as_json() for one in differences(kind, old, new)]}


def _add_saving(routes: APIRouter, writing: Writing) -> None:
    @routes.put(
        "/content/{code}/{kind}",
        openapi_extra=takes(SaveRequest),
        summary="Save a draft, merged by field with what others saved since",
    )
    def put(person: Editor, code: Code, kind: ContentKind, content: Content) -> Json:
        """`result`: saved, unchanged, problems (nothing is saved) or conflicts (send them again with `sides`)."""
        require_own(person, code)
        given = parse(SaveRequest, content)
        base = Base(given.etag, given.base, given.base_released, given.base_released, given.body)
        copy = WorkingCopy(code, {}, {kind: base})
        done = Read(given.body, [])
        wrong = problems_of(kind, done)
        if wrong:
            return _saved(kind, Saved("problems", copy, problems=wrong), given.body)
        saved = save_body(writing.editions, person, kind, copy, given.body, Decisions(given.seen, given.sides))
        return _saved(kind, saved, saved.copy.base(kind).shown)


def _add_working_copies(routes: APIRouter, writing: Writing) -> None:
    @routes.get("/working-copies", summary="List what the caller is writing")
    def mine(person: Editor) -> Json:
        return {"working_copies": writing.copies.of(person)}

    @routes.post("/working-copies", openapi_extra=takes(NewRequest), summary="Begin a new item, empty or copied")
    def begin(person: Editor, content: Content) -> Json:
        given = parse(NewRequest, content)
        return _copy(writing.begin(person, given.code, given.copy_from))

    @routes.get("/working-copies/{code}", summary="Read what the caller is writing about a code, or begin to")
    def read_copy(person: Editor, code: Code) -> Json:
        return _copy(writing.open(person, code))

    @routes.put(
        "/working-copies/{code}", openapi_extra=takes(WorkingCopyRequest), summary="Keep what is typed, as it is"
    )
    def keep(person: Editor, code: Code, content: Content) -> Json:
        given = parse(WorkingCopyRequest, content)
        kinds = {kind.value for kind in ContentKind}
        texts: Texts = {path: text for path, text in given.texts.items() if path.partition(".")[0] in kinds}
        return _copy(writing.keep(person, code, texts, given.version))

    @routes.delete("/working-copies/{code}", summary="Discard what is typed", status_code=204)
    def discard(person: Editor, code: Code) -> None:
        writing.copies.discard(person, code)


def _edition(edition: Edition) -> Json:
    return {
        "etag": edition.etag,
        "state": edition.state,
        "version": edition.version,
        "draft": edition.draft,
        "released": edition.released,
        "begun_from": edition.begun_from,
        "in_force": edition.in_force,
        "planned": edition.planned,
        "draft_changed": edition.draft_changed,
    }


def _copy(copy: WorkingCopy) -> Json:
    problems = [{**_problem(one), "path": path} for path, one in problems_in(copy).items()]
    return {
        "code": copy.code,
        "version": copy.version,
        "texts": copy.texts,
        "changed_at": copy.changed_at,
        "problems": problems,
        "findings": findings_in(copy, today(datetime.now(UTC))),
    }


def _problem(problem: Problem) -> Json:
    return {"path": problem.path, "rule": problem.rule, "message": problem.message}


def _saved(kind: ContentKind, saved: Saved, body: Json) -> Json:
    base = saved.copy.base(kind)
    conflicts = [
        {"key": one.key, "path": one.path, "base": one.base, "theirs": one.theirs, "mine": one.mine}
        for one in saved.conflicts
    ]
    return {
        "result": saved.result,
        "etag": base.etag,
        "body": body,
        "problems": [_problem(one) for one in saved.problems],
        "taken_over": [{"path": path, "label": label_of(kind, path)} for path in saved.taken_over],
        "conflicts": conflicts,
        "seen": saved.now_etag,
        "findings": saved.findings,
    }
