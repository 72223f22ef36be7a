"""Rules about words: G-11 no catch-all materials, no empty phrases; G-17 nothing is left to be written."""

import re
from collections.abc import Iterator

from contracts.content.guides import Guide
from contracts.content.items import Item
from shared.publishing.guide_linter.finding import Document, Finding, Found, Subject
from shared.text.unwritten import Level, unwritten_in

CATCH_ALL = re.compile(
    r"其[他它](?:[一-鿿]{0,6})?(?:材料|资料|文件|证明)|(?:有关|相关)(?:证明)?(?:材料|资料|文件)|等(?:材料|资料)$"
)
EMPTY = re.compile(r"另行通知|按(?:有关|相关)?规定(?:执行|办理|收取|收费)|视(?:具体)?情况而定|详见(?!第|附件|附表)")
WHOLE = re.compile(r"按规定|符合条件|符合规定|依法办理|详见|无要求|不限|有关规定")
"""Phrases that say nothing when they are the whole text. Inside a sentence they may be meant well."""

ITEM_TEXTS = ("limit_scene_explain",)
GUIDE_TEXTS = (
    "accept_condition", "special_procedure", "time_limit_explain", "link_way", "supervise_way", "remedy",
)  # fmt: skip
CHILD_TEXTS: dict[str, tuple[str, ...]] = {
    "materials": ("source_explain", "fill_explain", "accept_stand"),
    "steps": ("content", "result"),
    "fees": ("fee_stand", "by_law", "desc_explain"),
    "windows": ("address", "hours", "traffic"),
    "questions": ("answer",),
}
"""Texts of a guide's parts. Texts of laws are not read: they are quoted."""


def words_say_something(subject: Subject) -> Found:
    """G-11: no catch-all such as 其他材料, no empty phrase such as 另行通知."""
    for document, path, text in _texts(subject.item, subject.guide):
        if found := EMPTY.search(text):
            message = f"“{found[0]}”没有告诉申请人具体内容"
            yield Finding("G-11", document, path, message, "写明具体的内容、时间或者地点", certain=False)
        elif (whole := WHOLE.search(text)) and len(text) <= len(whole[0]) + 4:
            message = f"“{text}”没有告诉申请人具体内容"
            yield Finding("G-11", document, path, message, "写明具体的条件或者规定")
    for index, material in enumerate(subject.guide.materials or () if subject.guide else ()):
        if found := CATCH_ALL.search(material.material_name):
            message = f"材料名称里有兜底条款“{found[0]}”"
            remedy = "逐项列出每一份材料的名称；列不出的不能要求申请人提交"
            yield Finding("G-11", "guide", f"materials.{index}.material_name", message, remedy)


def texts_are_written(subject: Subject) -> Found:
    """G-17: no mark of what is to be written later, such as XX or 待定 (`shared.text.unwritten`)."""
    for document, path, text in _texts(subject.item, subject.guide):
        for one in unwritten_in(text):
            if one.level != Level.FINDING:
                message, certain = f"“{one.words}”{one.says}", one.level == Level.REFUSE
                yield Finding("G-17", document, path, message, "写上实际内容；没有就删去", certain=certain)


def _texts(item: Item | None, guide: Guide | None) -> Iterator[tuple[Document, str, str]]:
    for name in ITEM_TEXTS if item else ():
        if text := getattr(item, name):
            yield "item", name, text
    if guide is None:
        return
    for name in GUIDE_TEXTS:
        if text := getattr(guide, name):
            yield "guide", name, text
    for part, names in CHILD_TEXTS.items():
        for index, child in enumerate(getattr(guide, part) or ()):
            for name in names:
                if text := getattr(child, name):
                    yield "guide", f"{part}.{index}.{name}", text
