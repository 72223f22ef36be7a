"""Rules about the way to apply: G-5 and G-6 visits, G-8 telephones, G-9 place and hours, G-10 themes."""

import re
from collections.abc import Iterator

from contracts.content.guides import Window
from shared.publishing.guide_linter.finding import Finding, Found, Subject

FULLY_ONLINE = frozenset({"5", "6", "7"})
"""网上办理深度 from 互联网办理 on: everything but the advice is done online."""
ONLINE, EXPRESS = "2", "3"
NATURAL_PERSON = "1"

_NUMBER = re.compile(r"(?<!\d)(?:0\d{2,3}[-－—\s)）]?\d{7,8}|1\d{10}|[48]00-?\d{3}-?\d{4}|\d{7,8}|\d{5})(?!\d)")
_WITHOUT_AREA_CODE = re.compile(r"(?<![\d-])[2-8]\d{6,7}(?![\d-])")
_DOOR = re.compile(r"[0-9A-Za-z〇零一二三四五六七八九十]\s{0,2}(?:号|室|窗|楼|层|栋|区|厅)|窗口|大厅|服务中心")


def visits_are_explained(subject: Subject) -> Found:
    """G-5: visits are explained; without a visit there is another way, online or by express."""
    item = subject.item
    if item is None or item.limit_scene_num is None:
        return
    if item.limit_scene_num > 0:
        if not item.limit_scene_explain:
            message = f"要到现场{item.limit_scene_num}次，但没有说明原因"
            yield Finding("G-5", "item", "limit_scene_explain", message, "写明为什么必须到现场")
        return
    elsewhere = item.is_online or item.is_express or {ONLINE, EXPRESS} & set(item.handle_type or ())
    if not elsewhere:
        message = "到办事现场次数为0，但既不能网上办理，也不能快递申请"
        remedy = "把“是否网办”或“是否支持物流快递”改为“是”，或者改正到现场次数"
        yield Finding("G-5", "item", "limit_scene_num", message, remedy)


def fully_online_needs_no_visit(subject: Subject) -> Found:
    """G-6: what is handled fully online needs no visit."""
    item = subject.item
    if item is None or not item.limit_scene_num or not FULLY_ONLINE & set(item.online_handle_depth or ()):
        return
    message = f"网上办理深度已到“互联网办理”，到办事现场次数却是{item.limit_scene_num}"
    yield Finding("G-6", "item", "limit_scene_num", message, "改为0次，或者改正网上办理深度")


def telephones_differ(subject: Subject) -> Found:
    """G-8: complaints have a telephone other than the one that advises, and every telephone its area code."""
    guide = subject.guide
    if guide is None:
        return
    advice, complaints = _numbers(guide.link_way or ""), _numbers(guide.supervise_way or "")
    if complaints and complaints <= advice:
        message = "监督投诉电话与咨询电话相同"
        yield Finding("G-8", "guide", "supervise_way", message, "填写另一个部门或者12345的投诉电话")
    texts = [("link_way", guide.link_way), ("supervise_way", guide.supervise_way)]
    texts += [(f"windows.{index}.phone", window.phone) for index, window in enumerate(guide.windows)]
    for path, text in texts:
        for number in _WITHOUT_AREA_CODE.findall(text or ""):
            yield Finding("G-8", "guide", path, f"电话{number}没有区号", "写上区号，例如 0898-12345678")


def place_and_hours_are_exact(subject: Subject) -> Found:
    """G-9: the address goes down to a window or a door; the hours say on which days: 工作日, 全天 or 24小时."""
    guide = subject.guide
    for index, window in enumerate(guide.windows if guide else ()):
        yield from _window(window, f"windows.{index}")


def _window(window: Window, path: str) -> Iterator[Finding]:
    if not window.window_no and not _DOOR.search(window.address):
        message = "办理地点没有写到窗口或者门牌号"
        yield Finding("G-9", "guide", f"{path}.address", message, "写到门牌号、楼层，并填写窗口号")
    if not window.hours:
        yield Finding(
            "G-9", "guide", f"{path}.hours", "没有填写办理时间", "例如：工作日 上午9:00—12:00，下午13:00—17:00"
        )
    elif not any(word in window.hours for word in ("工作日", "全天", "24小时", "24 小时")):
        message = "办理时间没有写明是工作日、全天还是24小时"
        yield Finding("G-9", "guide", f"{path}.hours", message, "写明“工作日”，或者“全天”“24小时”")


def themes_fit_applicants(subject: Subject) -> Found:
    """G-10: there are themes for natural persons if they may apply, and for organisations if those may."""
    item = subject.item
    if item is None or not item.serve_type:
        return
    people = NATURAL_PERSON in item.serve_type
    organisations = any(one != NATURAL_PERSON for one in item.serve_type)
    for applies, themes, field, who in (
        (people, item.user_topic_type, "user_topic_type", "自然人"),
        (organisations, item.corp_topic_type, "corp_topic_type", "法人和其他组织"),
    ):
        if applies and not themes:
            message = f"服务对象有{who}，但没有选对应的主题分类"
            yield Finding("G-10", "item", field, message, "至少选一个主题，没有合适的选“其他”")
        if themes and not applies:
            message = f"选了面向{who}的主题分类，但服务对象里没有{who}"
            yield Finding("G-10", "item", field, message, "去掉这些主题，或者补充服务对象")


def _numbers(text: str) -> frozenset[str]:
    return frozenset(re.sub(r"\D", "", found) for found in _NUMBER.findall(text))
