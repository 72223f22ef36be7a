"""Facts that an item and its guide both state: the closed list of pairs between the two. Pure.

Two editors own the two texts, so what differs is a finding and never a refusal. A missing field contradicts nothing,
and neither do words that `contracts.content.figures` cannot read.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from contracts.content import figures
from contracts.content.fact_pairs import yuan
from contracts.content.guides import Guide
from contracts.content.items import Item

ONLINE_WORDS = re.compile(r"网上申请|网上提交|网上申报|在线申请|在线提交|全程网办|apply online|submit online")
HANDLED_ONLINE = "5"
"""网上办理深度: from 办理 on, an application can be decided without a visit."""

LIMITS = {"anticipate": "法定办结时限", "promise": "承诺办结时限"}
UNITS = {"1": "工作日", "2": "自然日"}


@dataclass(frozen=True, slots=True)
class Differing:
    """One fact of which item and guide say different things, with both values.

    `fact`: the item's field; `place`: path in the guide. `message` in English, `words` in Chinese.
    """

    fact: str
    place: str
    message: str
    words: str


def between(item: Item, guide: Guide) -> Iterator[Differing]:
    """Yield what an item and its guide state differently."""
    for compare in (_names, _fees, _limits, _visits, _online):
        yield from compare(item, guide)


def compact(text: str) -> str:
    """Return a text as it is compared: width, case and spaces make no difference."""
    return "".join(unicodedata.normalize("NFKC", text).split()).lower()


def _names(item: Item, guide: Guide) -> Iterator[Differing]:
    for name, title in (("task_name", "事项名称"), ("dept_name", "实施主体")):
        ours, theirs = getattr(item, name), getattr(guide, name)
        if compact(ours) != compact(theirs):
            message = f"the item's {name} is {ours!r}, the guide's {theirs!r}"
            yield Differing(name, name, message, f"{title}不同：事项是“{ours}”，指南是“{theirs}”")


def _fees(item: Item, guide: Guide) -> Iterator[Differing]:
    amounts = [fee.amount_fen for fee in guide.fees]
    if item.is_fee is False and any(amounts):
        stated = ", ".join(f"{fee.fee_name} {yuan(fee.amount_fen)}" for fee in guide.fees if fee.amount_fen)
        message = f"the item says that nothing is charged (is_fee false), the guide lists {stated}"
        yield Differing("is_fee", "fees", message, f"事项是不收费，指南列了 {stated}")
    if item.is_fee and amounts and not any(amount is None or amount for amount in amounts):
        message = "the item says that a fee is charged (is_fee true), but every fee of the guide is 0.00 元"
        yield Differing("is_fee", "fees", message, "事项是收费，指南的每一项费用都是 0.00 元")


def _limits(item: Item, guide: Guide) -> Iterator[Differing]:
    """Compare 时限说明 with the limit that it names: 承诺, 法定, or, without either word, 承诺."""
    told = guide.time_limit_explain
    for name, read in figures.limits(told or "").items():
        day, unit = getattr(item, f"{name}_day"), getattr(item, f"{name}_type")
        other_unit = read.unit is not None and unit is not None and read.unit != unit
        if day is not None and read.value is not None and (read.value != day or other_unit):
            message = (
                f"the item's {name}_day is {day} {UNITS.get(unit or '', 'without a unit')}, the guide says {told!r}"
            )
            words = f"{LIMITS[name]}不同：事项是 {day} {UNITS.get(unit or '', '（没有单位）')}，指南写“{told}”"
            yield Differing(f"{name}_day", "time_limit_explain", message, words)


def _visits(item: Item, guide: Guide) -> Iterator[Differing]:
    texts = [(f"questions.{index}.answer", one.answer) for index, one in enumerate(guide.questions)]
    texts += [(f"steps.{index}.content", step.content or "") for index, step in enumerate(guide.steps)]
    visits = item.limit_scene_num
    for path, text in texts:
        read = figures.visits(text)
        if visits is not None and read.value is not None and read.value != visits:
            message = f"the item's limit_scene_num is {visits}, the guide's {path} says {text!r}"
            words = f"到办事现场次数不同：事项是 {visits} 次，指南写“{text}”"
            yield Differing("limit_scene_num", path, message, words)


def _online(item: Item, guide: Guide) -> Iterator[Differing]:
    texts = [f"{step.name} {step.content or ''}" for step in guide.steps]
    if item.is_online is False:
        for index, text in enumerate(texts):
            if ONLINE_WORDS.search(text.lower()):
                message = f"the item cannot be handled online (is_online false), steps.{index} says {text!r}"
                words = f"事项是不能网办，指南第 {index + 1} 步写“{text.strip()}”"
                yield Differing("is_online", f"steps.{index}", message, words)
    depths = [depth for depth in item.online_handle_depth or () if HANDLED_ONLINE <= depth < "9"]
    if depths and texts and item.limit_scene_num == 0 and all("窗口" in text or "现场" in text for text in texts):
        told = ", ".join(depths)
        message = f"online_handle_depth {told} and no visit, but every step is at a window"
        words = f"事项的网上办理深度是 {told}、不用到现场，指南的每一步都在窗口"
        yield Differing("online_handle_depth", "steps", message, words)
