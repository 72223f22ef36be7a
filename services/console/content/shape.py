"""The shape of a document as its contract declares it: fields with labels, kinds and code tables, and repeated parts.

Forms, differences and merges are made from it, so that a new field of a contract appears in all of them.
"""

import datetime as dt
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from contracts.base import ANNOUNCEMENTS, MADE_BY_THE_SOURCE
from contracts.codes.tables import TABLES
from contracts.content.files import MaterialFile
from contracts.content.guides import Guide
from contracts.content.items import Item

LONG_TEXT_FROM = 1000
"""A text that may be longer has several lines."""


class ContentKind(StrEnum):
    """The documents that are written at the desk; the value is also the kind of their ledger keys."""

    ITEM = "item"
    GUIDE = "guide"

    @property
    def words(self) -> str:
        """Its name for people."""
        return "事项" if self is ContentKind.ITEM else "办事指南"


MODELS: Mapping[ContentKind, type[BaseModel]] = {ContentKind.ITEM: Item, ContentKind.GUIDE: Guide}


class FieldKind(StrEnum):
    """How a field is written."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    NUMBER = "number"
    MONEY = "money"
    YES_NO = "yes_no"
    DATE = "date"
    CODE = "code"
    CODES = "codes"
    WORDS = "words"
    PARTS = "parts"
    FILES = "files"


MANY = frozenset({FieldKind.CODES, FieldKind.WORDS})
MONEY_FIELDS = frozenset({"amount_fen"})
"""Whole 分 in the contract, 元 for people."""


@dataclass(frozen=True, slots=True)
class FieldShape:
    """One field of a contract. `table`: of its codes. `parts`: the fields of one part of a list.

    `states_none`: an empty list is a statement of its own, apart from unknown (ADR 0042).
    """

    name: str
    label: str
    kind: FieldKind
    required: bool
    longest: int | None = None
    table: str | None = None
    states_none: bool = False
    parts: tuple["FieldShape", ...] = ()

    @property
    def codes(self) -> Mapping[str, str]:
        """Its code table; empty if it has none."""
        return TABLES[self.table] if self.table else {}


@cache
def shape_of(kind: ContentKind) -> Mapping[str, FieldShape]:
    """Return the fields of a document by name, in the order of its contract."""
    return {field.name: field for field in _fields(MODELS[kind])}


def field_at(kind: ContentKind, path: str) -> FieldShape | None:
    """Return the field at a path such as `materials.2.copies` or `materials`; None for a path that no field has."""
    name, _, rest = path.partition(".")
    field = shape_of(kind).get(name)
    inner = rest.partition(".")[2]
    if field is None or not inner:
        return field
    return next((part for part in field.parts if part.name == inner.partition(".")[0]), None)


def label_of(kind: ContentKind, path: str) -> str:
    """Return the words for a path: `materials.1.copies` → 申请材料第2项 · 份数. An unknown name stays as it is."""
    name, _, rest = path.partition(".")
    field = shape_of(kind).get(name)
    if field is None:
        return "预告" if name == ANNOUNCEMENTS else path
    index, _, inner = rest.partition(".")
    if not index.isdigit():
        return field.label
    place = f"{field.label}第{int(index) + 1}项"
    part = next((one for one in field.parts if one.name == inner.partition(".")[0]), None)
    return f"{place} · {part.label}" if part else place


def _fields(model: type[BaseModel]) -> Iterator[FieldShape]:
    coded: Mapping[str, str] = getattr(model, "CODED", {})
    addresses: Mapping[str, str] = getattr(model, "ADDRESSES", {})
    for name, info in model.model_fields.items():
        if name not in MADE_BY_THE_SOURCE:
            field = _field(name, info, coded.get(name))
            yield replace(field, kind=FieldKind.TEXT) if name in addresses else field


def _field(name: str, info: FieldInfo, table: str | None) -> FieldShape:
    optional = type(None) in get_args(info.annotation)
    bare = _without_none(info.annotation)
    limits = (getattr(one, "max_length", None) for one in info.metadata)
    longest = next((limit for limit in limits if limit is not None), None)
    listed = get_origin(bare) is list
    inner = get_args(bare)[0] if listed else bare
    is_part = isinstance(inner, type) and issubclass(inner, BaseModel) and inner is not MaterialFile
    parts = tuple(_fields(inner)) if is_part else ()
    return FieldShape(
        name=name,
        label=info.title or name,
        kind=_kind(name, inner, listed=listed, coded=table is not None, parts=bool(parts), longest=longest),
        required=info.is_required(),
        longest=longest,
        table=table,
        states_none=listed and optional and inner is not MaterialFile,
        parts=parts,
    )


def _kind(name: str, inner: Any, *, listed: bool, coded: bool, parts: bool, longest: int | None) -> FieldKind:
    if parts:
        return FieldKind.PARTS
    if inner is MaterialFile:
        return FieldKind.FILES
    if listed:
        return FieldKind.CODES if coded else FieldKind.WORDS
    if coded:
        return FieldKind.CODE
    if inner is bool:
        return FieldKind.YES_NO
    if inner is int:
        return FieldKind.MONEY if name in MONEY_FIELDS else FieldKind.NUMBER
    if inner is dt.date:
        return FieldKind.DATE
    return FieldKind.LONG_TEXT if (longest or 0) > LONG_TEXT_FROM else FieldKind.TEXT


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        return next(one for one in get_args(annotation) if one is not type(None))
    return annotation
