"""What sources, ledger and imports refuse, in Chinese for clerks: field or object, rule, and what to do.

One table by the sentence of the source, `{}` where it names something, and one by rule. A test walks everything that
the sources can raise and fails for what has no words here. What is not in the tables, as of a newer source, stays.
"""

import re
from collections.abc import Mapping

SOURCES = ("catalog", "guides")
"""Whose refusals these are."""

TERMS: Mapping[str, str] = {
    "draft": "还是草稿",
    "released": "已发布",
    "suspended": "已暂停",
    "withdrawn": "已撤下",
    "hidden": "随事项隐藏",
    "gathering": "正在汇集",
    "waiting": "等第二人确认",
    "open": "待审核",
    "approved": "已通过",
    "returned": "已退回",
    "obsolete": "草稿已改",
    "executed": "已执行",
    "release": "发布",
    "withdraw": "撤下",
    "suspend": "暂停",
    "editor": "编辑",
    "releaser": "发布",
    "duty_officer": "值班负责人",
    " and no end": "，也没有失效时间",
}
"""Words of the sources within their sentences."""

SENTENCES: Mapping[str, str] = {
    # Editions.
    "no edition with code {}": "{0}：这里没有这个编码的内容，请核对编码",
    "{} has no version {}": "{0}：没有第 {1} 版",
    "{} does not exist, so it has no revision {}": "{0}：还没有保存过，请从“新建”开始",
    "{} already exists: send If-Match with the ETag that you read": "{0}：已经有了，请打开它再改，不要新建",
    "{} is at revision {}, not {}: read it again": (
        "{0}：别人刚改过（现在是第 {1} 次修订，您看到的是第 {2} 次），请重新打开再做"
    ),
    "{}: the draft is based on version {}, but version {} has been released since: read it, bring the draft up to date "
    "and save it again": "{0}：草稿是照第 {1} 版写的，之后发布了第 {2} 版：请打开草稿，合并新版后再存",
    "{} was never released; there is nothing to withdraw": "{0}：从没有发布过，没有可以撤下的",
    "{} is already withdrawn; release it first": "{0}：已经撤下，要暂停请先发布",
    "{} is {}, not suspended; there is nothing to restore": "{0}：现在{1}，没有暂停，不能恢复",
    "{}: the suspended version has expired in the meantime; release a new one": (
        "{0}：暂停的那一版已经到期，请发布新版"
    ),
    "{}: no release{} is planned": "{0}：没有计划中的新版{1}，不用取消",
    "{}: this would take effect before planned versions: {}. Say what becomes of it: plans=cancel (it never comes) or "
    "plans=keep (it is planned again after this)": (
        "{0}：会赶在计划中的版本前面（{1}）：请选“取消原计划”或者“保留原计划”"
    ),
    "{}: a planned version belongs to the set {}: cancel the set, or keep plans": (
        "{0}：计划中的版本属于一组（{1}）：请到组里取消，或者保留原计划"
    ),
    "nothing is released, so a reason cannot be recorded": "没有变化，所以没有发布，变更说明也没有记下",
    # What the gates have not passed.
    "{}: not released, gates are open: {}; see {}": "{0}：没有发布，还没签的关口：{1}。看 {2}",
    "{}: not released, its review is of the kind {}: release it as one; see {}": (
        "{0}：没有发布，它的审核是另一种（{1}），请按那一种发布。看 {2}"
    ),
    "{}: not released, gates are open: {}. No review has exactly this content and time{}: submit it with POST "
    "/{}/v1/reviews": "{0}：没有发布，{1}都没签：没有一份审核正好是这个内容和时间。请送审",
    # Reviews.
    "there is no review {}": "没有第 {0} 号审核",
    "there is no review {} with members": "没有第 {0} 号审核，或者它没有成员",
    "review {} is {}, not gathering: begin another one": "第 {0} 号审核{1}，不能再加：请重新送审",
    "review {} is gathered by {}": "第 {0} 号审核由 {1} 汇集，请本人接着做",
    "review {} has gathered nothing: the import changes nothing at this source": (
        "第 {0} 号审核没有内容：导入不改变什么，不必送审"
    ),
    "review {} is taken back by {}, or by a {}": "第 {0} 号审核只能由送审人 {1} 或有“{2}”角色的人撤回",
    "review {} is {}: it cannot be taken back": "第 {0} 号审核{1}，不能撤回",
    "review {} is {}: nothing can be signed; submit it again": "第 {0} 号审核{1}，不能再签：请重新送审",
    "review {} is of other content than you have read: read it again": (
        "第 {0} 号审核的内容和您看到的不同，请重新打开再签"
    ),
    "{} of review {} was signed by {} already": "第 {1} 号审核的{0}已由 {2} 签过",
    "{} needs the role {} to sign {}: persons sign, each for a gate": "{0} 没有签{2}的角色，请由有这一关角色的人签",
    "{} wrote or submitted this, and an author does not sign: somebody else must": (
        "{0} 起草或送审了这份内容，起草的人不签：请换一个人"
    ),
    "{} has signed all other gates: at least two persons review, somebody else must sign": (
        "{0} 已经签了其他各关：五关至少两个人签，请换一个人"
    ),
    "this county was born without reviews: its releases are recorded as not reviewed": (
        "本县没有启用五关审核，不用送审，直接发布"
    ),
    "{}: exactly this is released already, there is nothing to review": "{0}：与已发布的完全相同，不必送审",
    "{} is a machine: an urgent withdrawal names the persons who answer for it": "{0} 是程序：紧急撤下须由人来做",
    "{} is {} already: there is nothing to {}": "{0}：现在{1}，不用再{2}",
    "{} has asked for this: another person must confirm it": "{0} 是请求人，须由另一个人确认",
    "review {} is {}: it does not wait for a second person": "第 {0} 号审核{1}，不用第二人确认",
    # Roles and units.
    "{} needs the role {} for this": "{0} 没有“{1}”角色，做不了这一步：请找有这个角色的同事，或者请管理员给角色",
    "{} is content of the unit {}; {} works for {}": "{0} 是单位 {1} 的内容，{2} 只能改 {3} 的：请交给那个单位的同事",
    "{} may not do this: it lacks the right {}": "{0} 没有权限（{1}）：请告诉系统管理员",
    # Sets.
    "{} was prepared with other members: begin a new set": "{0}：准备的时候是另一些成员，请重新成组",
    "{} is complete: undo it by a new set": "{0}：已经全部发布，要改请另成一组",
    "{}: version {} is neither in force nor planned: it was changed since": "{0}：第 {1} 版之后又改过，不能撤销",
    "{} is not shown and nothing is planned: leave it out of the set": "{0}：现在没有公布，也没有计划，请从组里去掉",
    "version {} of {} is not one of the set {}": "{1} 的第 {0} 版不属于这一组（{2}）",
    "version {} of {} was cancelled or replaced: begin a new set": "{1} 的第 {0} 版已取消或被代替，请重新成组",
    "{} is not complete: complete it first": "{0}：这一组还没有全部发布，请先完成",
    # Files.
    "there is no such file": "没有这个文件，请重新上传",
    "a file may have {} bytes": "文件太大：最多 {0} 字节，请压缩以后再上传",
    # The ledger.
    "the ledger has no entry of this key": "账本里没有这个编号，请核对",
    "the case is still shown: withdraw it first, then erase it": "这个办件还在显示：请先撤下，再删除内容",
    "no entry at position {}": "账本没有第 {0} 条，请核对",
    "the entry at position {} is the first of its key": "账本第 {0} 条是这个编号的第一条，没有更早的",
    "no source has a key {}: `tongyuan keys list` shows the keys": "没有来源用过密钥 {0}：请在密钥清单里核对",
    "key {} of {} is already revoked from there": "{1} 的密钥 {0} 已经从那里起撤销，不用再撤",
    "no signed head covers this tile in this width": "账本还没有签到这里，请过一会儿再试",
    # Feedback.
    "there is no such feedback": "没有这条反馈",
    "the feedback is closed": "这条反馈已经办结，不能再改",
}
"""Sentence of a source → the same for a clerk, with the named things by number."""

RULES: Mapping[str, str] = {
    "another": "不能把自己写成承接事项，请填另一个编码",
    "at_once": "立即发布的一组，时间由系统定，请留空",
    "backdating": "时间已过：请写明为什么从过去生效，或者留空",
    "in_the_future": "须是以后的时间，请改晚一些，或者留空",
    "after_effective": "须晚于生效时间，请改晚一些",
    "key": "不是事项或办事指南的编码，请核对",
    "known": "这份审核里没有这一处发现，请重新打开",
    "later_than_today": "日期已过：删除它，或者填写真正的结束日期",
    "missing": "请填写",
    "no_end": "撤下和暂停没有失效时间，请留空",
    "no_personal_data": "里面有个人号码，请删去",
    "one_change": "同一编码在文件里有几种说法，请只留一种",
    "no_page": "现在没有公布，没有页面可以显示预告，请留空",
    "own": "这一组的公告由另一个来源发布，请重新成组",
    "personal": "会公开，不能写个人号码，请删去",
    "required": "请填写：写明要改什么",
    "same_as_entry": "编码与这一条不同，请核对",
    "same_as_path": "编码与打开的不是同一个：不能在这里改编码，请新建",
    "scheduled": "只有计划中的内容才有预告：请填以后的生效时间，或者把预告留空",
    "settled": "这一处没有改，也没有写为什么不采纳",
}
"""Rule of a source → what to do, for what is no field of an item or a guide (`services.console.content.problems`)."""

LEDGER_RULES: Mapping[str, str] = {
    "erasable": "只有办件的内容可以删除，其他内容是公开的",
    "public": "这一类编号不公开，不能查它在不在账本里",
    "in_tree": "账本没有这一条，请核对序号",
    "not_after_second": "起始序号不能大于后一个，请核对",
    "at_most_head": "账本还没有这么长，请核对序号",
    "tlog_tiles": "不是账本分块的地址，请核对",
}
"""Rule of the ledger → what to do."""

TELLS: Mapping[str, Mapping[str, str]] = {**dict.fromkeys(SOURCES, RULES), "ledger": LEDGER_RULES, "importing": {}}
"""Service → its rules. Importing says everything in Chinese itself, with the English sentence in brackets."""


CHINESE = re.compile("[一-鿿]")
IN_BOTH = re.compile(
    r"(?P<chinese>.*?[一-鿿].*?) \((?=[^()]*[A-Za-z]{2})(?P<english>.*?)\)(?P<more>：.*|: .*)?", re.DOTALL
)


def _pattern(sentence: str) -> re.Pattern[str]:
    return re.compile("(.*?)".join(map(re.escape, sentence.split("{}"))), re.DOTALL)


# The longest first: a short sentence may be the end of a longer one's pattern.
_KNOWN = [(_pattern(one), SENTENCES[one]) for one in sorted(SENTENCES, key=len, reverse=True)]


def sentence_of(detail: str) -> str:
    """Return a source's sentence in Chinese; unchanged if it is not in the table."""
    for pattern, words in _KNOWN:
        if found := pattern.fullmatch(detail):
            return words.format(*(_named(one) for one in found.groups()))
    return chinese_part(detail)


def message_of(service: str, rule: str, message: str) -> str:
    """Return a violation's message in Chinese; in its own words if it is Chinese, or its rule is not in the table."""
    return chinese_part(message) if CHINESE.search(message) else TELLS.get(service, {}).get(rule, message)


def chinese_part(sentence: str) -> str:
    """Return the Chinese part of a sentence that a service writes in both languages: `中文 (English)`."""
    found = IN_BOTH.fullmatch(sentence)
    return f"{found['chinese']}{found['more'] or ''}" if found else sentence


def _named(text: str) -> str:
    return "、".join(TERMS.get(one, one) for one in text.split(" or "))
