"""Rules about what must be there: G-13 required elements, G-14 forms, G-15 certificates, G-16 law in force,
G-18 item and guide agree.
"""

from collections.abc import Iterator, Sequence

from contracts.content.files import FilePurpose
from contracts.content.guides import Guide, Material
from contracts.content.item_and_guide import between
from contracts.content.items import Item, LegalBasis
from shared.publishing.guide_linter.finding import Document, Finding, Found, Subject

BY_APPLICANT, BY_DEPARTMENT = "10", "20"
SELF_PROVIDED = ("自备", "自行准备", "自行提供", "本人提供")


def elements_are_stated(subject: Subject) -> Found:
    """G-13: the elements that 政务服务 guides must state (国务院令第716号 art. 6)."""
    for document, field, name in _missing(subject.item, subject.guide):
        message = f"没有填写{name}"
        yield Finding("G-13", document, field, message, f"{name}是办事指南的必备要素，请补充")


def _missing(item: Item | None, guide: Guide | None) -> Iterator[tuple[Document, str, str]]:
    if item is not None:
        if not item.by_law and not (guide and guide.by_law):
            yield "item", "by_law", "设定依据"
        if item.promise_day is None and item.anticipate_day is None:
            yield "item", "promise_day", "办理时限"
        if item.is_fee is None:
            yield "item", "is_fee", "是否收费"
    if guide is not None:
        for name, element in (
            ("accept_condition", "受理条件"),
            ("steps", "办理流程"),
            ("windows", "办理地点"),
            ("link_way", "咨询方式"),
            ("supervise_way", "监督投诉方式"),
        ):
            if not getattr(guide, name):
                yield "guide", name, element
        if guide.materials is None:
            yield "guide", "materials", "申请材料"


def materials_have_forms(subject: Subject) -> Found:
    """G-14: a material has a blank form, or a note where the applicant has it from.

    Whether a form can be downloaded is not asked here: it would be a request over the network.
    """
    guide = subject.guide
    for index, material in enumerate(guide.materials or () if guide else ()):
        if not material.form_url and not _has_blank_form(material) and not _origin_is_stated(material):
            message = f"材料“{material.material_name}”既没有空白表格，也没有说明从哪里取得"
            yield Finding(
                "G-14", "guide", f"materials.{index}.source_type", message, "上传空白表格，或者注明“申请人自备”"
            )


def _has_blank_form(material: Material) -> bool:
    return any(file.purpose == FilePurpose.BLANK for file in material.files or ())


def _origin_is_stated(material: Material) -> bool:
    if material.source_type in (BY_APPLICANT, BY_DEPARTMENT):
        return True
    notes = f"{material.source_explain or ''}{material.fill_explain or ''}"
    return any(word in notes for word in SELF_PROVIDED)


def certificates_are_listed(subject: Subject) -> Found:
    """G-15: a 证明 that is asked for is in the 证明事项清单 (优化营商环境条例 art. 44). Silent without a list."""
    guide = subject.guide
    if guide is None or subject.certificates is None:
        return
    for index, material in enumerate(guide.materials or ()):
        if "证明" in material.material_name and material.material_name not in subject.certificates:
            message = f"“{material.material_name}”不在本县的证明事项清单里"
            remedy = "清单之外的证明不得索要：删除这项材料，或者改用清单里的名称"
            yield Finding("G-15", "guide", f"materials.{index}.material_name", message, remedy, certain=False)


def basis_is_in_force(subject: Subject) -> Found:
    """G-16: no basis is repealed, and the item's 计划取消日期 has not come."""
    item, guide = subject.item, subject.guide
    if item is not None:
        yield from _repealed(item.by_law, "item", subject)
        if item.plan_cancel_date is not None and item.plan_cancel_date <= subject.today:
            message = f"计划取消日期{item.plan_cancel_date.isoformat()}已到"
            yield Finding("G-16", "item", "plan_cancel_date", message, "暂停或者撤下这个事项；仍在实施的，改正日期")
    if guide is None:
        return
    yield from _repealed(guide.by_law, "guide", subject)
    for index, fee in enumerate(guide.fees):
        for law, since in subject.repealed.items():
            if f"《{law}》" in (fee.by_law or ""):
                yield _repeal("guide", f"fees.{index}.by_law", law, since)


def _repealed(bases: Sequence[LegalBasis], document: Document, subject: Subject) -> Found:
    for index, basis in enumerate(bases):
        law = basis.law_name.strip("《》 ")
        if since := subject.repealed.get(law):
            yield _repeal(document, f"by_law.{index}.law_name", law, since)


def _repeal(document: Document, field: str, law: str, since: str) -> Finding:
    return Finding("G-16", document, field, f"《{law}》{since}", "改为现行有效的依据；没有的，暂停这个事项")


def item_and_guide_agree(subject: Subject) -> Found:
    """G-18: what item and guide both state is the same (`contracts.content.item_and_guide`)."""
    if subject.item is None or subject.guide is None:
        return
    for one in between(subject.item, subject.guide):
        yield Finding("G-18", "guide", one.place, one.words, "两边改成一样，以正确的一边为准", certain=False)
