"""Differences between two versions of a document, in the words of the pages: old, new, added, removed. Pure.

Compares documents as this channel shows them, field by field; the parts of a list are matched by name.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from contracts.base import Json

Text = tuple[str, str, Callable[[Json], Any]]
"""Chinese and English title, and a function to the value: a text, a list of texts, or nothing."""

Parts = tuple[str, str, str, Callable[[Json], str], Callable[[Json], Iterable[Any]]]
"""Titles, the field with the list, and functions to a part's name and to its texts."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `name`: the part of a list that it concerns; `old` None: added; `new` None: removed."""

    zh: str
    en: str
    old: str | None
    new: str | None
    name: str = ""

    @property
    def pieces(self) -> tuple[str, str, str, str]:
        """The common beginning, the old and the new middle, and the common end."""
        old, new = self.old or "", self.new or ""
        head = _common_prefix(old, new)
        rest = [text[len(head) :][::-1] for text in (old, new)]
        tail = _common_prefix(*rest)[::-1]
        was, now = (text[::-1].removesuffix(tail) for text in rest)
        return head, was, now, tail


ITEM_TEXTS: tuple[Text, ...] = (
    ("事项名称", "Name", lambda item: item["name"]),
    ("实施主体", "Carried out by", lambda item: item["dept_name"]),
    ("多久办好", "How long", lambda item: item["glance"]["how_long"]),
    ("法定办结时限", "Limit by law", lambda item: item["labels"].get("anticipate")),
    ("要不要钱", "What it costs", lambda item: item["glance"]["cost"]),
    ("跑几次", "Visits", lambda item: item["glance"]["visits"]),
    ("为什么要到现场", "Why in person", lambda item: item["limit_scene_explain"]),
    ("在家能办吗", "From home", lambda item: item["glance"]["at_home"]),
    ("在线办理地址", "Address for applying online", lambda item: item["is_online"] and item["online_handle_url"]),
    ("网上办理深度", "Done online", lambda item: item["labels"].get("online_handle_depth")),
    ("办理形式", "Ways of applying", lambda item: item["labels"].get("handle_type")),
    ("服务对象", "Who it serves", lambda item: item["labels"].get("serve_type")),
    ("通办范围", "Can be done across", lambda item: item["labels"].get("handle_area")),
    ("办件类型", "Kind of case", lambda item: item["labels"].get("project_type")),
    ("办理结果", "Result", lambda item: item["result_name"]),
)
ITEM_PARTS: tuple[Parts, ...] = (
    (
        "设定依据",
        "Legal basis",
        "by_law",
        lambda law: f"{law['law_name']}{law['article'] or ''}",
        lambda law: (law["document_no"], law["content"]),
    ),
)
GUIDE_TEXTS: tuple[Text, ...] = (
    ("受理条件", "Who can apply", lambda guide: guide["accept_condition"]),
    ("咨询方式", "Advice", lambda guide: guide["link_way"]),
    ("监督投诉", "Complaints", lambda guide: guide["supervise_way"]),
    ("时限说明", "On the time limit", lambda guide: guide["time_limit_explain"]),
    ("特别程序", "Special procedure", lambda guide: guide["special_procedure"]),
    ("行政复议与诉讼", "Review and appeal", lambda guide: guide["remedy"]),
    ("办理流程的顺序", "Order of the steps", lambda guide: " → ".join(step["name"] for step in guide["steps"])),
)
GUIDE_PARTS: tuple[Parts, ...] = (
    (
        "材料",
        "Material",
        "materials",
        lambda one: one["material_name"],
        lambda one: (
            one["words"],
            one["source_words"],
            one["fill_explain"],
            one["accept_stand"],
            one["form_url"],
            one["example_url"],
            "、".join(
                f"{file['purpose_label']} {file['name']} {file['sha256'][:8]}" for file in one.get("files") or ()
            ),
        ),
    ),
    (
        "窗口",
        "Window",
        "windows",
        lambda one: f"{one['window_no'] or ''} {one['address']}".strip(),
        lambda one: (one["hours"], one["phone"], one["traffic"]),
    ),
    (
        "环节",
        "Step",
        "steps",
        lambda one: one["name"],
        lambda one: (one["content"], one["day"] and f"{one['day']}个工作日", one["result"]),
    ),
    (
        "收费",
        "Fee",
        "fees",
        lambda one: one["fee_name"],
        lambda one: (one["words"], one["desc_explain"], one["by_law"]),
    ),
    ("常见问题", "Question", "questions", lambda one: one["question"], lambda one: (one["answer"],)),
    (
        "设定依据",
        "Legal basis",
        "by_law",
        lambda law: f"{law['law_name']}{law['article'] or ''}",
        lambda law: (law["document_no"], law["content"]),
    ),
)
FIELDS_BY_KIND = {"item": (ITEM_TEXTS, ITEM_PARTS), "guide": (GUIDE_TEXTS, GUIDE_PARTS)}


def changes(before: Json, now: Json) -> list[Difference]:
    """Return every difference between two documents of one item, or one guide; fields not shown are left out."""
    texts, parts = FIELDS_BY_KIND[now["kind"]]
    found = [
        Difference(zh, en, old, new)
        for zh, en, value in texts
        if (old := _as_text(value(before))) != (new := _as_text(value(now)))
    ]
    return found + [change for part in parts for change in _parts(part, before, now)]


def _parts(part: Parts, before: Json, now: Json) -> Iterator[Difference]:
    zh, en, field, name, said = part
    old, new = (dict(_texts_by_name(document[field] or (), name, said)) for document in (before, now))
    for title in [*new, *(title for title in old if title not in new)]:
        if old.get(title) != new.get(title):
            yield Difference(zh, en, old.get(title), new.get(title), title)


def _texts_by_name(
    rows: Iterable[Json], name: Callable[[Json], str], said: Callable[[Json], Iterable[Any]]
) -> Iterator[tuple[str, str]]:
    """Yield name and text of each part; the second part of the same name is called `name (2)`."""
    seen: Counter[str] = Counter()
    for row in rows:
        title = name(row)
        seen[title] += 1
        number = f" ({seen[title]})" if seen[title] > 1 else ""
        yield f"{title}{number}", "；".join(str(text) for text in said(row) if text)


def _as_text(value: Any) -> str | None:
    return ("、".join(value) if isinstance(value, list) else str(value)) if value else None


def _common_prefix(one: str, other: str) -> str:
    """Return the common beginning of two texts."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return "".join(letter for letter, _ in same)
