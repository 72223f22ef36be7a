"""Rules about time: G-1 即办, G-2 promise and legal limit, G-3 the legal limit, G-12 the steps of a licence."""

from collections.abc import Sequence

from contracts.codes.tables import LICENSE, TIME_UNIT
from contracts.content.guides import Step
from contracts.content.items import Item
from shared.publishing.guide_linter.finding import Finding, Found, Subject

IMMEDIATE, PROMISED = "1", "2"
WORKING_DAYS, NATURAL_DAYS = "1", "2"
STEPS_OF_A_LICENCE = (("受理",), ("审核", "审查"), ("决定",), ("办结",), ("送达",))


def immediate_means_same_day(subject: Subject) -> Found:
    """G-1: the promise is zero days if and only if the item is 即办件; any other promise makes it a 承诺件."""
    item = subject.item
    if item is None or item.promise_day is None or item.project_type is None:
        return
    if item.promise_day == 0 and item.project_type != IMMEDIATE:
        message = "承诺办结时限为0天，但办件类型不是即办件"
        yield Finding("G-1", "item", "project_type", message, "办件类型选“即办件”，或者填写承诺天数")
    elif item.promise_day > 0 and item.project_type != PROMISED:
        message = f"承诺办结时限为{item.promise_day}天，但办件类型不是承诺件"
        yield Finding("G-1", "item", "project_type", message, "办件类型选“承诺件”，或者把承诺时限改为0")


def promise_within_legal_limit(subject: Subject) -> Found:
    """G-2: the promise is not longer than the legal limit.

    Units are compared as they are. Other units are compared only where the answer is certain: so many working days are
    at least as long as the same number of calendar days.
    """
    item = subject.item
    if item is None or item.promise_day is None or item.anticipate_day is None:
        return
    units = (item.promise_type, item.anticipate_type)
    comparable = units[0] == units[1] or units == (WORKING_DAYS, NATURAL_DAYS)
    if comparable and item.promise_day > item.anticipate_day:
        message = f"承诺办结时限{_days(item, 'promise')}，长于法定办结时限{_days(item, 'anticipate')}"
        yield Finding("G-2", "item", "promise_day", message, "承诺时限不能长于法定时限，请核对两个时限和单位")


def licence_has_legal_limit(subject: Subject) -> Found:
    """G-3: a licence has a legal limit; where no law sets another, 20 working days (行政许可法 art. 42)."""
    item = subject.item
    if item is not None and item.task_type == LICENSE and item.anticipate_day is None:
        message = "行政许可没有填写法定办结时限"
        remedy = "按法律法规填写；没有特别规定的，为20个工作日（行政许可法第四十二条）"
        yield Finding("G-3", "item", "anticipate_day", message, remedy)


def licence_is_explained(subject: Subject) -> Found:
    """G-12: a licence has at least one question and the five steps; the steps together fit into the promise."""
    item, guide = subject.item, subject.guide
    if item is None or guide is None:
        return
    if item.task_type == LICENSE:
        if not guide.questions:
            message = "行政许可的办事指南没有常见问题"
            yield Finding("G-12", "guide", "questions", message, "至少写一条申请人常问的问题和解答")
        missing = [one[0] for one in STEPS_OF_A_LICENCE if not _has_step(guide.steps, one)]
        if missing:
            message = f"办理流程缺少环节：{'、'.join(missing)}"
            yield Finding("G-12", "guide", "steps", message, "补充缺少的环节，环节名称里写明这些字")
    yield from _steps_within_promise(item, guide.steps)


def _steps_within_promise(item: Item, steps: Sequence[Step]) -> Found:
    days = sum(step.day or 0 for step in steps)
    # So many working days are never shorter than the same number of calendar days, so the unit may be either.
    if item.promise_day is not None and item.promise_type is not None and days > item.promise_day:
        message = f"各环节时限合计{days}个工作日，超过承诺办结时限{_days(item, 'promise')}"
        yield Finding("G-12", "guide", "steps", message, "核对各环节时限，或者修改承诺时限")


def _has_step(steps: Sequence[Step], words: Sequence[str]) -> bool:
    return any(word in step.name for step in steps for word in words)


def _days(item: Item, limit: str) -> str:
    number, unit = getattr(item, f"{limit}_day"), getattr(item, f"{limit}_type")
    return f"{number}个{TIME_UNIT[unit]}" if unit in TIME_UNIT else f"{number}（单位未说明）"
