"""Content blocks as JSON."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from contracts.base import Contract, Json
from services.console.accounts.rights import may
from services.console.blocks.blocks import Block, Blocks, Effect
from services.console.content.shape import ContentKind
from shared.text.validation import parse
from shared.tokens.person import Person, StaffRole
from shared.web.edge import Content, takes

Editor = Annotated[Person, Depends(may(StaffRole.EDITOR))]


class BlockRequest(Contract):
    """A new block: it is bound to every document whose draft holds its value."""

    name: str = Field(min_length=1, max_length=100, title="名称")
    value: str = Field(min_length=3, max_length=2000, title="内容")


class ChangeRequest(Contract):
    """A new value. `version`: of the block that it changes; a preview needs none."""

    value: str = Field(min_length=3, max_length=2000, title="新的内容")
    version: int = Field(default=0, ge=0, title="内容块的版本")


class Use(Contract):
    """A document that a block is bound to."""

    kind: ContentKind = Field(title="种类")
    code: str = Field(pattern=r"^[0-9A-Z]{31,33}$", title="实施编码")


class BindRequest(Contract):
    """The documents that change with a block: exactly these."""

    version: int = Field(ge=0, title="内容块的版本")
    uses: list[Use] = Field(max_length=10_000, title="使用处")


def routes_of(blocks: Blocks) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/v1/blocks", tags=["blocks"])

    @routes.get("", summary="List the content blocks")
    def some(_person: Editor) -> Json:
        return {"blocks": [_block(one) for one in blocks.all()]}

    @routes.post("", openapi_extra=takes(BlockRequest), summary="Make a content block, bound where its value is found")
    def create(person: Editor, content: Content) -> Json:
        given = parse(BlockRequest, content)
        return _block(blocks.create(person, given.name, given.value))

    @routes.get("/{number}", summary="Read a block, where its value is found, and its changes")
    def one(person: Editor, number: int) -> Json:
        block = blocks.find(number)
        found = [effect.as_json() for effect in blocks.found(person, block.value)]
        return {**_block(block), "found": found, "changes": blocks.changes(number)}

    @routes.put("/{number}/uses", openapi_extra=takes(BindRequest), summary="Bind a block to exactly these documents")
    def bind(person: Editor, number: int, content: Content) -> Json:
        given = parse(BindRequest, content)
        places = [(ContentKind(use.kind), use.code) for use in given.uses]
        return _block(blocks.bind(person, number, given.version, places))

    @routes.post("/{number}/preview", openapi_extra=takes(ChangeRequest), summary="Show what a new value would change")
    def preview(person: Editor, number: int, content: Content) -> Json:
        given = parse(ChangeRequest, content)
        return {"effects": [one.as_json() for one in blocks.preview(person, blocks.find(number), given.value)]}

    @routes.post("/{number}/change", openapi_extra=takes(ChangeRequest), summary="Save drafts of all with a new value")
    def change(person: Editor, number: int, content: Content) -> Json:
        given = parse(ChangeRequest, content)
        return _done(*blocks.change(person, number, given.version, given.value))

    @routes.post("/changes/{number}/undo", summary="Take back a change in all drafts that it saved")
    def undo(person: Editor, number: int) -> Json:
        return _done(*blocks.undo(person, number))

    @routes.delete("/{number}", summary="Delete a block; documents keep what they state", status_code=204)
    def delete(person: Editor, number: int) -> None:
        blocks.delete(person, number)

    return routes


def _block(block: Block) -> Json:
    uses = [{"kind": kind.value, "code": code} for kind, code in block.bound]
    return {"id": block.id, "name": block.name, "value": block.value, "version": block.version, "uses": uses}


def _done(change: int, effects: list[Effect]) -> Json:
    """`codes`: the documents whose drafts were saved, to be released together."""
    codes = [{"kind": one.kind.value, "code": one.code} for one in effects if one.result == "saved"]
    return {"change": change, "effects": [one.as_json() for one in effects], "codes": codes}
