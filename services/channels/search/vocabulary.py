"""Vocabulary of the search: words without meaning, other spellings of a word, second readings."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


PARTICLES = _set("""
    的 了 吗 呢 吧 啊 呀 么 嘛 啦 哦 着 地 得 我 我们 咱 咱们 俺 你 你们 您 他 她 它 他们 自己 自家 本人 人家 大家 请问
    问问 问一下 咨询 你好 您好 谢谢 想 要 想要 打算 准备 该 应该 应当 能 能不能 能否 可以 可不可以 可否 会 会不会 怎么
    怎样 怎么样 怎么办 怎么弄 咋 咋办 咋样 如何 什么 啥 哪 哪里 哪儿 哪个 哪些 哪种 在 在哪 在哪里 是 是不是 是否 给 去
    到 来 把 被 让 和 与 及 或 或者 还是 还 还要 也 都 就 才 又 再 很 太 最 一下 一个 一张 一家 一套 一些 个 张 家 这
    这个 这边 这里 那 那个 那边 有 有没有 有无 没有 没 不 要不要 用不用 需不需要 时候 多久 多长 多长时间 多少 几 几天
    几时 几点 什么样 为什么 帮 帮忙 帮我 替 跟 对 从 向 往 于 以 为 用 做 弄 搞 拿 出来 过来 回来 下来 起来 现在 今年
    今天 明天 每月 每个 每年 个月 如果 因为 所以 但是 可是 已经 正在 快 快要 马上 刚 刚刚 关于 有关 相关 谁 找 找谁 知道
    告诉 行 行不行 好 吗 之前 以后 之后 以前 周六 周日 周末 星期六 星期天 上班 附近
""")
"""Never searched for."""

GENERIC = _set("""
    办 办理 办事 申请 申办 办证 手续 事项 业务 服务 材料 资料 证件 流程 程序 步骤 条件 要求 标准 需要 必须 带 准备 时间
    期限 地点 地址 地方 电话 窗口 网上 线上 现场 部门 单位 大厅 政务 中心 费用 收费 钱 多少钱 免费 花钱 价格 表格 下载
    查询 指南 新 问题 情况 事情 相关 规定 政策 许可证 证 证书 证明
""")
"""Not searched for beside more specific words: half of all items are 办理 or 申请."""

VARIANTS: dict[str, str] = {
    "身分": "身份",
    "二代身份证": "身份证",
    "二代证": "身份证",
    "帐户": "账户",
    "帐号": "账号",
    "帐单": "账单",
    "记帐": "记账",
    "户藉": "户籍",
    "户口薄": "户口簿",
    "户口本": "户口簿",
    "登纪": "登记",
    "登计": "登记",
    "注消": "注销",
    "执造": "执照",
    "许可正": "许可证",
    "驾使证": "驾驶证",
    "驾驶本": "驾驶证",
    "结婚正": "结婚证",
    "离婚正": "离婚证",
    "营业直照": "营业执照",
    "残级": "残疾",
    "伤残证": "残疾证",
    "养老保脸": "养老保险",
    "公职金": "公积金",
    "按接": "按揭",
    "宅机地": "宅基地",
    "挂矢": "挂失",
    "年审": "年检",
    "娃儿": "孩子",
    "娃娃": "孩子",
    "小娃": "孩子",
    "小孩子": "孩子",
    "小孩": "孩子",
    "新生婴儿": "新生儿",
    "入户": "落户",
    "遗失": "丢失",
    "弄丢": "丢失",
    "补办": "补领",
}
"""Another spelling, a usual slip of the pen or another word for the same → the standard one; for the index as well."""

READINGS: dict[str, tuple[str, ...]] = {
    "行": ("xing", "hang"),
    "重": ("zhong", "chong"),
    "长": ("chang", "zhang"),
    "调": ("diao", "tiao"),
    "会": ("hui", "kuai"),
    "给": ("gei", "ji"),
    "车": ("che", "ju"),
    "还": ("hai", "huan"),
    "传": ("chuan", "zhuan"),
    "藏": ("cang", "zang"),
    "率": ("lv", "shuai"),
    "乐": ("le", "yue"),
    "校": ("xiao", "jiao"),
    "更": ("geng",),
    "种": ("zhong",),
    "区": ("qu",),
    "单": ("dan",),
    "参": ("can",),
}
"""Characters that officialese reads in more than one way, or whose most usual reading differs."""
