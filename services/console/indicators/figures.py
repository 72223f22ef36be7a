"""Computes the indicators from the facts. Pure. Whatever nobody has stated is counted as unknown, never as zero.

Consistency rate, 办件及时率, 减时间, 减跑动: 2020 福建省电子政务绩效考核指标 and 一体化政务服务能力评估; S8 一网通办,
S10 最多跑一次.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

from contracts.base import Json
from services.console.indicators.facts import Facts

ONE_VISIT_TARGET = 100
"""S10: 100 frequent items for which people come at most once."""

DEEP = frozenset({"5", "6", "7"})
"""网上办理深度 from 互联网办理 on."""

TENTHS = 20


@dataclass(frozen=True, slots=True)
class Figure:
    """One number: `part` of `whole`; `unknown` of them are not in `whole`. `value` null: nothing is known.

    `unit`: `%`, or what is counted. `formula`: what it is computed from, for people. `source`: the service.
    """

    name: str
    title: str
    value: float | None
    unit: str
    part: int | None
    whole: int | None
    unknown: int
    formula: str
    source: str

    def as_json(self) -> Json:
        """Return the figure as the API tells it."""
        return {name: getattr(self, name) for name in self.__slots__}


def _share(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


@dataclass(frozen=True, slots=True)
class Question:
    """One question about an item: yes, no, or None where nobody has stated it."""

    name: str
    title: str
    ask: Callable[[Json], bool | None]
    formula: str
    wanted: str
    """What the list of `no` holds, for people."""
    applies: Callable[[Json], bool] = lambda _item: True
    """Whether the question concerns an item at all."""

    def figure(self, items: Iterable[Json]) -> Figure:
        """Count the answers over items."""
        answers = [self.ask(item) for item in items if self.applies(item)]
        yes, no = answers.count(True), answers.count(False)
        whole = yes + no
        return Figure(
            self.name, self.title, _share(yes, whole), "%", yes, whole, len(answers) - whole, self.formula, "catalog"
        )


def _deep(item: Json) -> bool | None:
    depth = item["online_handle_depth"]
    return None if not depth else bool(DEEP & set(depth))


def _once(item: Json) -> bool | None:
    visits = item["limit_scene_num"]
    return None if visits is None else visits <= 1


def _never(item: Json) -> bool | None:
    visits = item["limit_scene_num"]
    return None if visits is None else visits == 0


def _reachable(item: Json) -> bool | None:
    return None if item["is_online"] is None else bool(item["has_address"])


def _shorter(item: Json) -> bool | None:
    days = _days(item)
    return None if days is None else days[1] < days[0]


QUESTIONS = (
    Question(
        "online", "可网办事项占比", lambda item: item["is_online"], "“是否网办”为是 ÷ 说明了是或否的事项", "不能网办的"
    ),
    Question("deep", "网办深度达到办理的占比", _deep, "网上办理深度含 5、6、7 ÷ 说明了深度的事项", "深度不到 5 的"),
    Question("once", "最多跑一次的占比", _once, "到现场次数 ≤ 1 ÷ 说明了次数的事项", "要跑两次以上的"),
    Question("never", "一次不用跑的占比", _never, "到现场次数 = 0 ÷ 说明了次数的事项", "至少要跑一次的"),
    Question(
        "shorter", "承诺时限短于法定的占比", _shorter, "承诺 < 法定 ÷ 两个时限都说明、单位相同的事项", "没有缩短的"
    ),
    Question(
        "reachable",
        "可网办且写明地址的占比",
        _reachable,
        "写明网办地址 ÷ 可网办的事项",
        "可网办却没有地址的",
        lambda item: item["is_online"] is not False,
    ),
)
QUESTIONS_BY_NAME = {one.name: one for one in QUESTIONS}


def item_figures(items: Sequence[Json] | None) -> list[Figure]:
    """Return the figures of items; each unknown if the items could not be read."""
    found = [
        *(question.figure(items or ()) for question in QUESTIONS),
        _one_visit(items or ()),
        _time_saved(items or ()),
    ]
    if items is None:
        return [_unread(one.name, one.title, one.unit, one.formula, one.source) for one in found]
    return found


def _one_visit(items: Sequence[Json]) -> Figure:
    """Count items, not their situations: 100 names are not 100 codes (S10)."""
    answers: dict[str, bool | None] = {}
    for item in items:
        once, before = _once(item), answers.get(item["parent"], True)
        answers[item["parent"]] = False if False in (once, before) else None if None in (once, before) else True
    count, unknown = list(answers.values()).count(True), list(answers.values()).count(None)
    formula = f"到现场次数 ≤ 1 的事项（同一事项的各情形算一项），目标 {ONE_VISIT_TARGET} 项"
    return Figure("one_visit", "最多跑一次的事项数", float(count), "项", count, ONE_VISIT_TARGET, unknown, formula,
                  "catalog")  # fmt: skip


def _days(item: Json) -> tuple[int, int] | None:
    """Return legal and promised days; None unless both are stated in one unit and the legal one is not zero."""
    legal, promised = item["anticipate_day"], item["promise_day"]
    units = item["anticipate_type"], item["promise_type"]
    if not legal or promised is None or units[0] is None or units[0] != units[1]:
        return None
    return legal, promised


def _time_saved(items: Sequence[Json]) -> Figure:
    days = [found for item in items if (found := _days(item)) is not None]
    legal, promised = sum(one[0] for one in days), sum(one[1] for one in days)
    formula = "1 −（承诺天数之和 ÷ 法定天数之和），只算两个时限都说明、单位相同的事项"
    return Figure("time_saved", "时限压缩比例（减时间）", _share(legal - promised, legal), "%", legal - promised, legal,
                  len(items) - len(days), formula, "catalog")  # fmt: skip


def case_figures(facts: Facts, unit: str = "") -> list[Figure]:
    """Return the figures of cases: results in the period, and open cases that are overdue."""
    formula = "在承诺日内办结 ÷（办结 − 没有承诺日的），按第一个结果的日期计入"
    open_formula = "审查中、已过承诺日 ÷ 审查中的办件，现在"
    if facts.cases is None:
        return [
            _unread("on_time", "办件及时率", "%", formula, "applications"),
            _unread("overdue", "超期未办结", "件", open_formula, "applications"),
        ]
    rows = [row for code, row in facts.cases.items() if code.startswith(unit)]
    total = {name: sum(int(row[name]) for row in rows) for name in ("closed", "late", "unpromised", "open", "overdue")}
    known = total["closed"] - total["unpromised"]
    on_time = known - total["late"]
    return [
        Figure("on_time", "办件及时率", _share(on_time, known), "%", on_time, known, total["unpromised"], formula,
               "applications"),
        Figure("overdue", "超期未办结", float(total["overdue"]), "件", total["overdue"], total["open"], 0, open_formula,
               "applications"),
    ]  # fmt: skip


def publishing_figures(facts: Facts) -> list[Figure]:
    """Return the release lag up to the ledger."""
    formula = "最近 200 条：入账时间 − 发布时间，95% 不超过；从入账到显示见每次发布的回执"
    lags = facts.lags
    title, name = "发布到入账的时间（95%）", "release_lag"
    if not lags:
        return [_unread(name, title, "秒", formula, "ledger")]
    most = quantiles(lags, n=TENTHS)[-1] if len(lags) > 1 else lags[0]
    return [Figure(name, title, round(most, 3), "秒", None, len(lags), 0, formula, "ledger")]


def consistency(facts: Facts, channels: Iterable[str]) -> dict[str, Figure]:
    """Return the consistency rate of each channel by the auditor's newest complete readings."""
    formula = "1 −（内容不同、缺少、多余、过时且还没有修复的 ÷ 核验员最近一遍核对的条数）"
    found = {}
    for channel in channels:
        audit: Any = facts.audit
        passes = audit["channels"].get(channel) if audit else None
        if not passes:
            found[channel] = _unread("consistency", "渠道一致率", "%", formula, "auditor")
            continue
        checked = max(int(one["checked"]) for one in passes.values())
        wrong = sum(audit["open"].get(channel, {}).values())
        good = max(checked - wrong, 0)
        value = _share(good, checked)
        found[channel] = Figure("consistency", "渠道一致率", value, "%", good, checked, 0, formula, "auditor")
    return found


def by_unit(facts: Facts) -> list[Json]:
    """Return the figures of each unit that has items, by name; null where the items could not be read."""
    units: dict[str, list[Json]] = {}
    for item in facts.items or ():
        units.setdefault(item["unit"], []).append(item)
    rows = []
    for unit, items in units.items():
        names = sorted({str(item["dept_name"] or "") for item in items} - {""})
        figures = {one.name: one for one in (*item_figures(items), *case_figures(facts, unit))}
        rows.append({"unit": unit, "title": names[0] if names else unit, "items": len(items), "figures": figures})
    return sorted(rows, key=lambda row: str(row["title"]))


def listed(facts: Facts, name: str, answer: str, unit: str = "") -> list[Json]:
    """Return the items behind a figure: `answer` is `yes`, `no` or `unknown`. Raises `KeyError` for another figure."""
    wanted = {"yes": True, "no": False, "unknown": None}[answer]
    one = QUESTIONS_BY_NAME[name]
    asked = (item for item in facts.items or () if item["unit"].startswith(unit) and one.applies(item))
    return [item for item in asked if one.ask(item) is wanted]


def _unread(name: str, title: str, unit: str, formula: str, source: str) -> Figure:
    return Figure(name, title, None, unit, None, None, 0, formula, source)
