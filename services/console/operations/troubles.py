"""Common troubles and what to do about them, in the words of docs/operating/at-three-in-the-morning.md."""

from typing import NamedTuple


class Trouble(NamedTuple):
    """One trouble: what is seen, what it means for readers, and the steps, first things first."""

    anchor: str
    title: str
    meaning: str
    steps: tuple[str, ...]


TROUBLES = (
    Trouble(
        "outbox",
        "来源的发布没有进账本（等待入账一直在涨）",
        "已经发布的内容不会丢，只是各渠道还看不到。",
        (
            "看消息队列是否在运行；它停了，恢复后会自己追上。",
            "看账本是否拒绝签名（本页“发布账本”一格）。",
            "都正常就重启该来源的进程：它从上次的位置继续。",
        ),
    ),
    Trouble(
        "behind",
        "一个渠道落后",
        "读者看到的是较早的内容，页面会写明数据有多旧。",
        (
            "看它是不是被暂停了：核对理由后恢复接收。",
            "看速率：在追赶就等待。",
            "不动：重启这个渠道的工作进程；它会向账本补取缺少的条目。",
        ),
    ),
    Trouble(
        "halted",
        "一个渠道停止接收",
        "账本比它见过的短，或者内容不一样：可能恢复了旧备份。渠道保留原有内容。",
        (
            "不要急着重建。先弄清哪一个账本是对的。",
            "对的账本恢复后，渠道自己继续。",
            "只有确定以现在的账本为准，才用命令 tongyuan rebuild 渠道 --new-epoch。",
        ),
    ),
    Trouble(
        "parked",
        "有搁置的条目",
        "这一条显示不出来，读者看到的还是上一版；其他内容不受影响。",
        (
            "打开这一条，看理由，并与账本比较。",
            "程序升级后可以重试。",
            "内容本身有误：由来源发布更正后的新版本，搁置会自己消失。",
            "确定不需要：写明理由后放弃；账本里仍然保留。",
        ),
    ),
    Trouble(
        "dead",
        "消息队列里有死信",
        "有一条消息被拒收，原样保留。来源会重新提供缺少的内容。",
        (
            "在服务器上运行 tongyuan dead list 查看，tongyuan dead show 看内容。",
            "原因消除后 tongyuan dead replay；不需要的 tongyuan dead drop。",
        ),
    ),
    Trouble(
        "drill",
        "演练没有通过",
        "重建出来的内容与正在显示的不完全一样。",
        (
            "看不同的条目有哪些。",
            "用“重建”按账本重做这个渠道；期间读者不受影响。",
            "再演练一次。仍不通过：保留现场，联系开发人员。",
        ),
    ),
    Trouble(
        "head",
        "最新签名头太旧",
        "渠道不能证明自己的内容是新的，屏幕会提示数据可能不是最新。",
        ("看账本是否在运行、是否拒绝签名。", "看服务器时钟是否准确。"),
    ),
    Trouble(
        "wrong",
        "核验员发现内容不一致",
        "有渠道显示的与账本不同；核验员已经要求修复。",
        (
            "等一分钟再看：多数会自动修复。",
            "仍在：打开该渠道，先演练，再重建。",
            "反复出现：保留日志，按安全事件处理。",
        ),
    ),
    Trouble(
        "screen",
        "大厅屏幕变红",
        "屏幕没有按时报告，或者显示的不是现在的内容。",
        ("到现场看屏幕是否通电、联网。", "重新打开屏幕首页。", "换了设备：停用旧屏幕，再发一个登记码。"),
    ),
)
