"""Pages and JSON of a new item: its row of the 基本目录, its unit, and what it is copied from; or its code."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from contracts.base import Json
from contracts.codes.identifiers import ITEM_CODE_LENGTHS
from services.console.accounts.rights import form_of, may
from services.console.content.shape import ContentKind
from services.console.drafts.directory import MOST_FOUND, Chosen, Directory, Row
from services.console.drafts.writing import Writing
from services.console.pages.frame import page, see_other
from shared.errors import Conflict, NotAllowed, NotFound
from shared.tokens.person import Person, StaffRole

COUNTY = "4"
"""行使层级 县级, which is preselected."""
Editor = Annotated[Person, Depends(may(StaffRole.EDITOR))]
Sent = Annotated[Any, Depends(form_of)]
Words = Annotated[str, Query(max_length=200)]
Basic = Annotated[str, Query(pattern=r"^([0-9A-Z]{12})?$")]
EXISTS = "这个编码已经有了，请在列表里打开它"
NOTHING_TO_COPY = "没有这个编码的事项，无法复制"
ANOTHER_UNIT = "这个单位的内容不由您起草"


def routes_of(writing: Writing, directory: Directory) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(include_in_schema=False)
    _add_by_directory(routes, writing, directory)
    _add_by_code(routes, writing, directory)
    return routes


def api_of(directory: Directory) -> APIRouter:
    """Return the JSON routes; `POST /v1/content` takes the code that follows from a row."""
    api = APIRouter(prefix="/v1", tags=["content"])

    @api.get("/directory", summary="Find rows of the 基本目录 by words of their name or code")
    def rows(person: Editor, q: Words = "") -> Json:
        """An item's code is its unit's USCC, the level and the row's code; a situation adds two digits."""
        found, total = directory.found(person, q)
        return {"rows": [_told(row) for row in found], "total": total}

    return api


def _told(row: Row) -> Json:
    return {"catalog_code": row.basic, "task_name": row.name, "task_type": row.kind, "use_level": list(row.levels)}


def _add_by_directory(routes: APIRouter, writing: Writing, directory: Directory) -> None:
    @routes.get("/content/new")
    def new(request: Request, person: Editor, q: Words = "", basic: Basic = "") -> Response:
        if basic:
            return _row_page(request, person, writing, directory.row(person, basic))
        return _search_page(request, person, directory, q)

    @routes.post("/content/new/{basic}")
    def begin(request: Request, person: Editor, basic: str, sent: Sent) -> Response:
        row = directory.row(person, basic)
        given = {name: str(sent.get(name, "")).strip().upper() for name in ("unit", "level", "situation", "copy")}
        chosen = Chosen(given["unit"], given["level"], given["situation"])
        errors = chosen.problems(row)
        try:
            if not errors:
                stated = _stated(row, _units(writing, person).get(chosen.unit), given["copy"])
                return see_other(f"content/{writing.begin(person, chosen.code(row), given['copy'], stated).code}")
        except Conflict:
            errors["situation"] = f"{EXISTS}；同一事项的另一种情形请填情形编号"
        except NotFound:
            errors["copy"] = NOTHING_TO_COPY
        except NotAllowed:
            errors["unit"] = ANOTHER_UNIT
        return _row_page(request, person, writing, row, given, errors)


def _add_by_code(routes: APIRouter, writing: Writing, directory: Directory) -> None:
    @routes.post("/content/new")
    def begin(request: Request, person: Editor, sent: Sent) -> Response:
        code, copied = (str(sent.get(name, "")).strip().upper() for name in ("code", "copy"))
        errors: dict[str, str] = {}
        for name, text in (("code", code), ("copy", copied)):
            if (text or name == "code") and (
                len(text) not in ITEM_CODE_LENGTHS or not (text.isascii() and text.isalnum())
            ):
                errors[name] = "实施编码是31位，业务办理项编码是33位，只有数字和大写字母"
        try:
            if not errors:
                return see_other(f"content/{writing.begin(person, code, copied).code}")
        except Conflict:
            errors["code"] = EXISTS
        except NotFound:
            errors["copy"] = NOTHING_TO_COPY
        return _search_page(request, person, directory, "", given={"code": code, "copy": copied}, errors=errors)


def _units(writing: Writing, person: Person) -> dict[str, str]:
    """Return code and name of the units whose content the person writes; a unit without items has its code as name."""
    names = {one["code"]: one["name"] or one["code"] for one in writing.editions.departments(person)}
    return {code: names.get(code, code) for code in sorted(person.departments)} if person.departments else names


def _stated(row: Row, unit: str | None, copied_from: str) -> dict[str, str]:
    """Return what is known of the item: from the 基本目录 when it begins empty, and its unit's name in any case."""
    of_row = {} if copied_from else {"task_name": row.name, "task_type": row.kind}
    return of_row if unit is None else {**of_row, "dept_name": unit}


def _is_code(text: str) -> bool:
    return len(text) in ITEM_CODE_LENGTHS and text.isascii() and text.isalnum()


def _search_page(
    request: Request,
    person: Person,
    directory: Directory,
    words: str,
    given: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    rows, total = directory.found(person, words)
    shown = {"q": words, "rows": rows, "total": total, "most": MOST_FOUND, "errors": errors or {}}
    typed = given or {"code": "", "copy": ""}
    return page(request, "content_new.html", person=person, status=422 if errors else 200, **shown, **typed)


def _row_page(
    request: Request,
    person: Person,
    writing: Writing,
    row: Row,
    given: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    units = _units(writing, person)
    alike = writing.editions.overview(ContentKind.ITEM, person, q=row.basic, limit=MOST_FOUND)["rows"]
    typed = given or {"unit": "", "level": COUNTY, "situation": "", "copy": ""}
    shown = {"row": row, "units": units, "alike": alike, "errors": errors or {}}
    return page(request, "content_new_row.html", person=person, status=422 if errors else 200, **shown, given=typed)
