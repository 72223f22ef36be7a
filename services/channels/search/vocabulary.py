"""Vocabulary of the search: words without meaning, everyday terms for official ones, second readings."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


PARTICLES = _set("""
    的 了 吗 呢 吧 啊 呀 么 嘛 我 我们 你 您 他 她 请问 你好 想 要 想要 该 应该 能 能不能 可以 怎么 怎样 怎么样 怎么办
    如何 什么 哪 哪里 哪儿 在 在哪 在哪里 是 给 去 到 把 和 与 及 或 一下 一个 有 有没有 时候 多久 多长 多少 几 让 帮
""")
"""Never searched for."""

GENERIC = _set("""
    办 办理 办事 申请 手续 事项 业务 服务 材料 资料 流程 程序 条件 需要 带 准备 时间 地点 地址 电话 窗口 网上 费用 收费
    钱 多少钱 表格 下载 查询 指南 新 证件
""")
"""Not searched for beside more specific words: half of all items are 办理 or 申请."""

SYNONYMS: dict[str, tuple[str, ...]] = {
    "身份证": (),
    "开办企业": ("企业开办", "企业设立登记", "公司设立登记"),
    "开公司": ("公司设立登记", "企业设立登记"),
    "注册公司": ("公司设立登记", "企业设立登记"),
    "开店": ("个体工商户登记",),
    "营业执照": ("设立登记", "个体工商户登记"),
    "上户口": ("出生登记", "户口登记"),
    "落户": ("户口迁入", "户口登记"),
    "户口": ("户籍", "出生登记"),
    "结婚证": ("结婚登记", "婚姻登记"),
    "领证": ("结婚登记",),
    "离婚证": ("离婚登记", "婚姻登记"),
    "房产证": ("不动产登记",),
    "过户": ("转移登记",),
    "驾照": ("驾驶证",),
    "社保卡": ("社会保障卡",),
    "社保": ("社会保险",),
    "医保": ("医疗保险", "医疗保障"),
    "养老金": ("基本养老保险", "养老保险待遇"),
    "退休": ("养老保险待遇",),
    "公积金": ("住房公积金",),
    "低保": ("最低生活保障",),
    "残疾证": ("残疾人证",),
    "准生证": ("生育登记",),
    "开饭店": ("食品经营许可",),
    "餐饮": ("食品经营",),
    "盖房": ("宅基地", "建设工程规划许可"),
}
"""Everyday term → words in the item's name (事项名称). The keys are also found by pinyin (`sfz`, `kaibanqiye`)."""

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
