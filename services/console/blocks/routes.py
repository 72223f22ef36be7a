"""Pages of content blocks: the list, one block with its uses, the preview of a change, what it did."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from services.console.accounts.rights import form_of, may
from services.console.blocks.blocks import Block, Blocks, Effect, Place
from services.console.content.shape import ContentKind, label_of
from services.console.pages.frame import page, see_other
from shared.errors import Conflict, Invalid
from shared.tokens.person import Person, StaffRole

Editor = Annotated[Person, Depends(may(StaffRole.EDITOR))]
Sent = Annotated[Any, Depends(form_of)]
ERRORS = {"name": "请填写名称，最多100个字", "value": "请填写内容：3至2000个字，前后没有空格"}
CHANGED = "别人刚改过这个内容块，请看一看现在的内容再改"


def routes_of(blocks: Blocks) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(include_in_schema=False)
    _add_list(routes, blocks)
    _add_block(routes, blocks)
    return routes


def _add_list(routes: APIRouter, blocks: Blocks) -> None:
    def shown(request: Request, person: Person, status: int = 200, **given: Any) -> Response:
        values: dict[str, Any] = {"name": "", "value": "", "errors": {}, **given}
        return page(request, "blocks_list.html", person=person, status=status, blocks=blocks.all(), **values)

    @routes.get("/blocks")
    def some(request: Request, person: Editor) -> Response:
        return shown(request, person)

    @routes.post("/blocks")
    def create(request: Request, person: Editor, sent: Sent) -> Response:
        name, value = (str(sent.get(one, "")).strip() for one in ("name", "value"))
        try:
            return see_other(f"blocks/{blocks.create(person, name, value).id}")
        except Invalid as error:
            errors = {one.field: ERRORS.get(one.field, one.message) for one in error.violations}
            return shown(request, person, 422, name=name, value=value, errors=errors)


def _add_block(routes: APIRouter, blocks: Blocks) -> None:
    def shown(request: Request, person: Person, block: Block, status: int = 200, **given: Any) -> Response:
        bound, found = set(block.bound), blocks.found(person, block.value)
        known = {(one.kind, one.code) for one in found}
        values: dict[str, Any] = {"value": block.value, "errors": {}, "effects": None, "done": None, "change": 0}
        return page(
            request,
            "blocks_one.html",
            person=person,
            status=status,
            block=block,
            uses=[{"effect": _labelled(one), "bound": (one.kind, one.code) in bound} for one in found],
            elsewhere=[{"kind": kind, "code": code} for kind, code in block.bound if (kind, code) not in known],
            changes=blocks.changes(block.id),
            **{**values, **given},
        )

    @routes.get("/blocks/{number}")
    def one(request: Request, person: Editor, number: int) -> Response:
        return shown(request, person, blocks.find(number))

    @routes.post("/blocks/{number}")
    def act(request: Request, person: Editor, number: int, sent: Sent) -> Response:
        """`act`: preview, change, bind, undo, delete."""
        block, act = blocks.find(number), str(sent.get("act", ""))
        value, version = str(sent.get("value", "")).strip(), _number(sent.get("version", ""))
        try:
            if act == "delete":
                blocks.delete(person, number)
                return see_other("blocks")
            if act == "bind":
                bound = blocks.bind(person, number, version, _places(sent))
                return shown(request, person, bound)
            if act in ("change", "undo"):
                made = blocks.change(person, number, version, value) if act == "change" else None
                change, done = made or blocks.undo(person, _number(sent.get("change", "")))
                return shown(request, person, blocks.find(number), done=done, change=change)
            return shown(request, person, block, value=value, effects=blocks.preview(person, block, value))
        except Invalid as error:
            errors = {one.field: ERRORS.get(one.field, one.message) for one in error.violations}
            return shown(request, person, block, 422, value=value, errors=errors)
        except Conflict:
            return shown(request, person, blocks.find(number), 409, value=value, errors={"value": CHANGED})


def _places(sent: Any) -> list[Place]:
    found = []
    for text in sent.getlist("bound"):
        kind, _, code = str(text).partition(":")
        if kind in set(ContentKind) and code.isascii() and code.isalnum():
            found.append((ContentKind(kind), code))
    return found


def _labelled(effect: Effect) -> dict[str, Any]:
    labels = [label_of(effect.kind, path) for path in effect.paths]
    return {"kind": effect.kind, "code": effect.code, "name": effect.name, "labels": labels}


def _number(text: Any) -> int:
    plain = str(text)
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 10 else 0
