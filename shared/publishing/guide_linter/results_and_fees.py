"""Rules about what the applicant gets and pays: G-4 the result, G-7 the fee."""

from contracts.content.guides import Guide
from contracts.content.items import Item
from shared.publishing.guide_linter.finding import Finding, Found, Subject

LICENCE_DOCUMENT, APPROVAL, OTHER, NO_RESULT = "10", "20", "30", "99"
EXPECTED: tuple[tuple[tuple[str, ...], tuple[str, ...], str], ...] = (
    (("批复", "批文"), (APPROVAL,), "批文"),
    (("证", "证书"), (LICENCE_DOCUMENT,), "证照"),
    (("文",), (APPROVAL, OTHER), "批文或者其他"),
)
"""Endings of the result's name, the types that fit, and their words. The first ending that matches counts."""


def result_type_fits_name(subject: Subject) -> Found:
    """G-4: a result that is named has a type, and the type that its name says.

    Whether a sample is published cannot be told: the contract has no field for it.
    """
    item = subject.item
    if item is None or not item.result_name:
        return
    if item.result_type is None or item.result_type == NO_RESULT:
        message = f"写了审批结果“{item.result_name}”，但结果类型没有选或者选了“无”"
        yield Finding("G-4", "item", "result_type", message, "按结果名称选择审批结果类型")
        return
    for endings, types, words in EXPECTED:
        if item.result_name.endswith(endings):
            if item.result_type not in types:
                message = f"审批结果“{item.result_name}”，结果类型应为{words}"
                yield Finding("G-4", "item", "result_type", message, f"改为{words}，或者改正结果名称")
            return


def fee_is_complete(subject: Subject) -> Found:
    """G-7: a fee has name, standard and basis, and the item says whether it is paid online; no fee, nothing to pay."""
    item, guide = subject.item, subject.guide
    if item is None:
        return
    if item.is_fee is False and item.is_pay_online:
        message = "不收费，却支持网上支付"
        yield Finding("G-7", "item", "is_pay_online", message, "“是否支持网上支付”改为“否”")
    if item.is_fee and item.is_pay_online is None:
        message = "收费，但没有说明能不能网上支付"
        yield Finding("G-7", "item", "is_pay_online", message, "选“是”或者“否”")
    if guide is not None:
        yield from _fees(item, guide)


def _fees(item: Item, guide: Guide) -> Found:
    if item.is_fee and not guide.fees:
        yield Finding("G-7", "guide", "fees", "事项收费，指南里却没有收费项目", "添加收费项目，写明标准和依据")
    for index, fee in enumerate(guide.fees):
        path = f"fees.{index}"
        if item.is_fee is False and fee.amount_fen != 0:
            message = f"事项不收费，指南里却有收费项目“{fee.fee_name}”"
            yield Finding("G-7", "guide", f"{path}.fee_name", message, "删除这一项，或者把事项改为收费")
        elif item.is_fee and not fee.by_law:
            message = f"收费项目“{fee.fee_name}”没有收费依据"
            yield Finding("G-7", "guide", f"{path}.by_law", message, "写明文件名称和文号")
        if not fee.fee_stand:
            message = f"收费项目“{fee.fee_name}”没有收费标准"
            yield Finding("G-7", "guide", f"{path}.fee_stand", message, "写明标准，例如：每证10元")
