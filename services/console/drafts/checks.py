"""What the linter says about a working copy, also while it is half-typed."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from pydantic import BaseModel, ValidationError

from contracts.base import Json
from contracts.content.guides import Guide
from contracts.content.items import Item
from services.console.content.problems import known_part, problems_of
from services.console.content.reading import Problem, Read, read
from services.console.content.sections import FROM_ITEM
from services.console.content.shape import MODELS, ContentKind, FieldShape, label_of, shape_of
from services.console.drafts.working_copies import WorkingCopy
from shared.publishing.guide_linter.finding import Finding, Subject
from shared.publishing.guide_linter.linter import lint

PLACEHOLDERS = {"code": "0" * 31, "catalog_code": "0" * 12, "task_type": "00", "use_level": "4"}
"""For required fields that are not typed yet; no rule of the linter reads them, but the type of a licence."""
PLACEHOLDER = "—"
Today = Callable[[], date]


def problems_in(copy: WorkingCopy) -> dict[str, Problem]:
    """Return what is wrong in each document, by the path in the form of both."""
    found: dict[str, Problem] = {}
    for kind in ContentKind:
        if is_begun(copy, kind):
            done = read(kind, copy.texts_about(kind), copy.base(kind).shown)
            found |= {f"{kind.value}.{one.path}": one for one in problems_of(kind, done)}
    return found


def findings_in(copy: WorkingCopy, today: date) -> list[Json]:
    """Return the linter's findings with `path`, in the form of both documents, and `label`."""
    done = {kind: read(kind, copy.texts_about(kind), copy.base(kind).shown) for kind in ContentKind}
    begun = {kind: is_begun(copy, kind) for kind in ContentKind}
    item = tolerant(ContentKind.ITEM, done[ContentKind.ITEM].body) if begun[ContentKind.ITEM] else None
    guide = tolerant(ContentKind.GUIDE, done[ContentKind.GUIDE].body) if begun[ContentKind.GUIDE] else None
    return [_told(one, done) for one in findings_about(item, guide, today)]


def findings_about(item: BaseModel | None, guide: BaseModel | None, today: date) -> list[Finding]:
    """Return the linter's findings about an item and its guide."""
    return lint(
        Subject(
            item=item if isinstance(item, Item) else None,
            guide=guide if isinstance(guide, Guide) else None,
            today=today,
        )
    )


def is_begun(copy: WorkingCopy, kind: ContentKind) -> bool:
    """Whether the document exists, or something is typed about it."""
    if copy.base(kind).etag:
        return True
    if kind is ContentKind.ITEM:
        # What is new is an item; a guide may exist without one.
        return not copy.base(ContentKind.GUIDE).etag or bool(copy.texts.get("item.task_name", "").strip())
    texts = copy.texts_about(kind).items()
    return any(text.strip() for path, text in texts if path not in FROM_ITEM and "@" not in path)


def tolerant(kind: ContentKind, body: Json) -> BaseModel | None:
    """Return a body as its contract without the fields that break it: a form is checked while it is half-typed."""
    model, content = MODELS[kind], known_part(kind, body)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        wrong = [problem["loc"] for problem in error.errors()]
    for place in wrong:
        _without(content, place)
    try:
        return model.model_validate(_filled(shape_of(kind).values(), content))
    except ValidationError:
        return None


def _without(content: Any, place: tuple[int | str, ...]) -> None:
    *path, name = place
    for step in path:
        if isinstance(content, dict):
            content = content.get(str(step))
        elif isinstance(content, list) and isinstance(step, int):
            content = content[step]
    if isinstance(content, dict):
        content.pop(name, None)


def _filled(fields: Any, content: Json) -> Json:
    made = dict(content)
    for field in fields:
        if field.parts and isinstance(made.get(field.name), list):
            made[field.name] = [_filled(field.parts, part) for part in made[field.name]]
    return {**dict(_placeholders(fields)), **made}


def _placeholders(fields: Any) -> Iterator[tuple[str, str]]:
    required: list[FieldShape] = [field for field in fields if field.required]
    for field in required:
        yield field.name, PLACEHOLDERS.get(field.name, PLACEHOLDER)


def _told(finding: Finding, done: dict[ContentKind, Read]) -> Json:
    kind = ContentKind(finding.document)
    path = f"{kind.value}.{done[kind].form_path(finding.field)}"
    return {**finding.as_json(), "path": path, "label": label_of(kind, finding.field)}
