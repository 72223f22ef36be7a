"""人生大事、经营大事: events in the life of a person or a firm, and the items that belong to them, in order.

国务院 asks for services over the whole life (全生命周期, 集成式、一站式) of persons and market entities; directories of
items carry themes (面向自然人/法人事项主题分类, `contracts.codes.tables`). No exchange table joins the two: the
assignment is ours. A theme is wide (户籍办理 has births and deaths), so an event also has a curated list: words in the
names of the items (事项名称), in the order in which people need them, and words of items that do not belong to it.
A theme may belong to several events; 地方特色 and 其他 to none.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from contracts.base import Json
from contracts.codes.tables import THEME_LEGAL_PERSON, THEME_NATURAL_PERSON

Side = Literal["person", "business"]
_BRACKETS = str.maketrans("（）", "()")


@dataclass(frozen=True)
class LifeEvent:
    """`code`: its name in addresses; `mark`: one character for it; `themes`: codes of the side's table.

    `needs`: words in the names of items of any theme, in the order in which people need them; `without`: words in the
    names of items of these themes that do not belong here. Both are separated by blanks.
    """

    code: str
    mark: str
    zh: str
    en: str
    side: Side
    themes: tuple[str, ...]
    needs: str = ""
    without: str = ""

    @cached_property
    def labels(self) -> frozenset[str]:
        """Labels of its themes, as documents have them."""
        table = THEME_NATURAL_PERSON if self.side == "person" else THEME_LEGAL_PERSON
        return frozenset(table[theme] for theme in self.themes)

    def takes(self, item: Json) -> bool:
        """Whether an item belongs to the event, by its head."""
        name = item["name"].translate(_BRACKETS)
        if self._needed.search(name):
            return True
        return not self._foreign.search(name) and not self.labels.isdisjoint(item.get(f"{self.side}_themes", ()))

    def rank(self, item: Json) -> int:
        """Return the place of an item in the curated order; all that are not in it come last."""
        name = item["name"].translate(_BRACKETS)
        words = self.needs.split()
        return next((place for place, word in enumerate(words) if word in name), len(words))

    @cached_property
    def _needed(self) -> re.Pattern[str]:
        return _any_of(self.needs)

    @cached_property
    def _foreign(self) -> re.Pattern[str]:
        return _any_of(self.without)


def _any_of(words: str) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, words.split())) or "(?!)")


_BIRTH = """
    生育登记 出生医学证明首次 出生医学证明签发 出生登记 居民基本医疗保险参保 社会保障卡申领 居民身份证办理(首次申领)
    生育保险 生育津贴 预防接种 出生医学证明
"""
_MARRIAGE = "结婚登记 补领婚姻登记证 户口登记(迁入登记) 户口迁移 生育登记 离婚登记"
_HOME = """
    不动产登记资料查询 住房公积金提取(购买 住房公积金贷款 不动产登记(转移登记) 不动产登记(抵押权登记) 公共租赁住房
    住房公积金提取(租赁 农村宅基地 乡村建设规划许可
"""
_HEALTH = "基本医疗保险参保 社会保障卡申领 异地就医备案 门诊慢特病 医疗费用报销 医疗救助 残疾人证"
_RETIREMENT = """
    基本养老保险参保 养老保险待遇 退休申报 住房公积金提取(离休 老年人优待证 高龄津贴 养老服务补贴 特困人员救助供养
"""
_DEATH = "死亡医学证明 死亡注销 死亡登记 火化 殡葬 丧葬补助 遗属待遇 住房公积金提取(死亡 不动产登记(转移登记)"
_FOUND = """
    企业名称 公司登记(设立登记) 企业设立登记 个体工商户设立登记 个体工商户注册登记 印章 社会保险登记
    住房公积金缴存登记 社会团体成立登记
"""
_BUILD = """
    企业投资项目备案 企业投资项目核准 建设用地规划许可 建设工程规划许可 建筑工程施工许可 商品房预售许可 竣工验收
"""
_CLOSE = "清税申报 税务注销 社会保险登记注销 公司登记(注销登记) 企业注销登记 个体工商户注销登记"

LIFE_EVENTS: tuple[LifeEvent, ...] = (
    LifeEvent("birth", "生", "出生", "Having a child", "person", ("005",), _BIRTH, "收养 死亡"),
    LifeEvent("school", "学", "入学", "School", "person", ("020",), "新生入学 学生资助", "教师"),
    LifeEvent("service", "兵", "入伍", "Joining the army", "person", ("025",), "应征 义务兵 退役军人"),
    LifeEvent(
        "work",
        "职",
        "就业创业",
        "Work",
        "person",
        ("030", "050"),
        "失业登记 失业保险金 就业困难人员 创业 个体工商户设立",
    ),
    LifeEvent("marriage", "婚", "结婚", "Marriage", "person", ("060",), _MARRIAGE),
    LifeEvent(
        "home", "居", "置业安居", "A home", "person", ("045", "070", "075", "140"), _HOME, "取水 退休 死亡 权属争议"
    ),
    LifeEvent("papers", "证", "办证件", "Papers", "person", ("090", "010"), "居民身份证 居住证 驾驶证", "死亡"),
    LifeEvent("travel", "行", "出行出境", "Travel", "person", ("095", "100", "105"), "护照 通行证 驾驶证", "货物运输"),
    LifeEvent(
        "health", "医", "看病社保", "Health, insurance", "person", ("085", "145"), _HEALTH, "医师 护士 出生医学证明"
    ),
    LifeEvent("retirement", "老", "退休养老", "Retirement", "person", ("150",), _RETIREMENT),
    LifeEvent("death", "念", "身后事", "A death", "person", ("155",), _DEATH),
    LifeEvent("found", "开", "开办企业", "Founding a firm", "business", ("005",), _FOUND, "变更 注销"),
    LifeEvent("permit", "准", "准营准办", "Permits", "business", ("010", "015"), "食品经营许可 卫生许可"),
    LifeEvent("staff", "工", "用工社保", "Staff", "business", ("030", "035"), "社会保险登记"),
    LifeEvent("build", "建", "投资建设", "Building", "business", ("040", "085"), _BUILD, "不动产登记 权属争议"),
    LifeEvent("tax", "税", "纳税", "Taxes", "business", ("025",), "完税证明"),
    LifeEvent("money", "融", "融资抵押", "Credit", "business", ("045", "050")),
    LifeEvent(
        "trade", "产", "生产经营", "Running it", "business", ("055", "075", "090", "110", "120", "135", "145", "150")
    ),
    LifeEvent(
        "change", "变", "变更年检", "Changes, reviews", "business", ("005", "020"), "变更登记", "设立登记 成立登记"
    ),
    LifeEvent("close", "销", "注销", "Closing down", "business", ("165",), _CLOSE),
)
BY_CODE = {event.code: event for event in LIFE_EVENTS}
