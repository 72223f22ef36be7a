"""人生大事、经营大事: events in the life of a person or a firm, and the standard themes that belong to them.

国务院 asks for services over the whole life (全生命周期, 集成式、一站式) of persons and market entities; directories of
items carry themes (面向自然人/法人事项主题分类, `contracts.codes.tables`). No exchange table joins the two: the
assignment here is ours, made from the words of the themes alone. A theme may belong to several events; 地方特色 and
其他 to none.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from contracts.base import Json
from contracts.codes.tables import THEME_LEGAL_PERSON, THEME_NATURAL_PERSON

Side = Literal["person", "business"]


@dataclass(frozen=True)
class LifeEvent:
    """`code`: its name in addresses; `mark`: one character for it; `themes`: codes of the side's table."""

    code: str
    mark: str
    zh: str
    en: str
    side: Side
    themes: tuple[str, ...]

    @cached_property
    def labels(self) -> frozenset[str]:
        """Labels of its themes, as documents have them."""
        table = THEME_NATURAL_PERSON if self.side == "person" else THEME_LEGAL_PERSON
        return frozenset(table[theme] for theme in self.themes)

    def takes(self, item: Json) -> bool:
        """Whether an item belongs to the event, by its head."""
        return not self.labels.isdisjoint(item.get(f"{self.side}_themes", ()))


LIFE_EVENTS: tuple[LifeEvent, ...] = (
    LifeEvent("birth", "生", "出生", "Having a child", "person", ("005", "010")),
    LifeEvent("school", "学", "入学", "School", "person", ("020",)),
    LifeEvent("service", "兵", "入伍", "Joining the army", "person", ("025", "065")),
    LifeEvent("work", "职", "就业创业", "Work", "person", ("030", "050")),
    LifeEvent("marriage", "婚", "结婚", "Marriage", "person", ("060",)),
    LifeEvent("home", "居", "置业安居", "A home", "person", ("045", "070", "075", "140")),
    LifeEvent("papers", "证", "办证件", "Papers", "person", ("090", "010")),
    LifeEvent("travel", "行", "出行出境", "Travel", "person", ("095", "100", "105")),
    LifeEvent("health", "医", "看病社保", "Health, insurance", "person", ("085", "145")),
    LifeEvent("retirement", "老", "退休养老", "Retirement", "person", ("150", "085")),
    LifeEvent("death", "念", "身后事", "A death", "person", ("155",)),
    LifeEvent("found", "开", "开办企业", "Founding a firm", "business", ("005",)),
    LifeEvent("permit", "准", "准营准办", "Permits", "business", ("010", "015")),
    LifeEvent("staff", "工", "用工社保", "Staff", "business", ("030", "035")),
    LifeEvent("build", "建", "投资建设", "Building", "business", ("040", "085")),
    LifeEvent("tax", "税", "纳税", "Taxes", "business", ("025",)),
    LifeEvent("money", "融", "融资抵押", "Credit", "business", ("045", "050")),
    LifeEvent(
        "trade", "产", "生产经营", "Running it", "business", ("055", "075", "090", "110", "120", "135", "145", "150")
    ),
    LifeEvent("change", "变", "变更年检", "Changes, reviews", "business", ("005", "020")),
    LifeEvent("close", "销", "注销", "Closing down", "business", ("165",)),
)
BY_CODE = {event.code: event for event in LIFE_EVENTS}
