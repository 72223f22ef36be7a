"""Code tables of the field: code to Chinese label, one plain dict each, and how provinces deviate from them.

Sources: GB/T 39046-2020 Annex A, GB/T 2260, and the national exchange as built (domain reference, section 4).
Codes are those of the national exchange; a province's own are mapped on input and never stored.
"""


def _table(pairs: str) -> dict[str, str]:
    """Parse a long table, written as `code label code label …` separated by blanks."""
    words = pairs.split()
    return dict(zip(words[::2], words[1::2], strict=True))


TASK_TYPE: dict[str, str] = _table("""
    01 行政许可 02 行政处罚 03 行政强制 04 行政征收 05 行政给付 06 行政检查 07 行政确认 08 行政奖励
    09 行政裁决 10 其他行政权力 20 公共服务
""")
"""事项类型 (GB A.1)."""

LICENSE = "01"
"""行政许可: the type with legal default limits (行政许可法 art. 32, 42, 44)."""

APPLICABLE_TASK_TYPES = frozenset({"01", "05", "07", "08", "09", "10", "20"})
"""依申请: what a citizen can apply for. Only these get guides and applications; 02, 03, 04, 06 do not."""

# GB writes 国家级/局(署、会), 省级/直属, 市级/隶属: the same levels in vertical bodies. The first word is the known
# one.
USE_LEVEL: dict[str, str] = _table("""
    1 国家级 2 省级 3 市级 4 县级 5 镇(乡、街道)级 6 村(社区)级 7 分级管理
""")
"""行使层级 (GB A.2). A directory row may hold several and 7; a code holds one of 1 to 6."""

DEPT_TYPE: dict[str, str] = {"1": "法定机关", "2": "授权组织", "3": "受委托组织", "9": "其他"}
"""实施主体性质 (GB A.3)."""

SERVE_TYPE: dict[str, str] = _table("""
    1 自然人 2 企业法人 3 事业法人 4 社会组织法人 5 非法人企业 6 行政机关 9 其他组织
""")
"""服务对象, national exchange."""

SERVE_TYPE_GB: dict[str, str] = _table("""
    1 自然人 2 企业法人 3 事业法人 4 社会组织法人 5 行政机关 6 其他组织
""")
"""服务对象 as in GB A.4: 5 and 6 mean something else there. For adapters only."""

HANDLE_TYPE: dict[str, str] = {"1": "窗口办理", "2": "网上办理", "3": "快递申请"}
"""办理形式, national exchange."""

HANDLE_TYPE_GB: dict[str, str] = _table("""
    1 窗口办理 2 电脑端网上办理 3 移动端网上申请 4 快递申请 9 其他
""")
"""办理形式 as in GB A.5: 3 means something else there. For adapters only."""

PROJECT_TYPE: dict[str, str] = {"1": "即办件", "2": "承诺件", "9": "其他"}
"""办件类型 (GB A.6). Some older systems swap 1 and 2."""

POWER_SOURCE: dict[str, str] = _table("""
    1 法定本级行使 2 上级下放 3 上级授权 4 同级授权 5 上级委托 6 同级委托
""")
"""权力来源."""

HANDLE_AREA: dict[str, str] = _table("""
    1 全国 2 跨省(全省) 3 跨市(全市) 4 跨县(全县) 5 全镇(乡、街道) 6 跨村(社区)
""")
"""通办范围."""

ONLINE_HANDLE_DEPTH: dict[str, str] = _table("""
    1 互联网咨询 2 互联网收件 3 互联网预审 4 互联网受理 5 互联网办理 6 互联网办理结果信息反馈
    7 互联网电子证照反馈 9 其他
""")
"""网上办理深度; an item has several."""

RESULT_TYPE: dict[str, str] = {"10": "证照", "20": "批文", "30": "其他", "99": "无"}
"""审批结果类型."""

TASK_STATE: dict[str, str] = {"1": "在用", "2": "暂停", "3": "取消"}
"""事项状态 in the exchange."""

EDITORIAL_STATE: dict[str, str] = _table("""
    0 待提交审核 1 待审核 2 待发布 3 发布 4 暂停 5 取消 6 审核不通过
""")
"""编辑状态 of one vendor's editing system."""

TIME_UNIT: dict[str, str] = {"1": "工作日", "2": "自然日"}
"""时限单位. Hours, months and years have no confirmed code, so such a limit is refused rather than guessed."""

MATERIAL_TYPE: dict[str, str] = {"1": "原件", "2": "复印件", "3": "原件和复印件"}
"""材料类型."""

MATERIAL_FORMAT: dict[str, str] = {"1": "纸质", "2": "电子化", "3": "纸质/电子化"}
"""材料形式."""

IS_NEED: dict[str, str] = {"0": "非必要", "1": "必要", "2": "容缺后补"}
"""材料必要性; 2 exists in one system only."""

SOURCE_TYPE: dict[str, str] = {"10": "申请人自备", "20": "政府部门核发", "99": "其他"}
"""来源渠道. The words are attested, the codes are not."""

SPECIAL_TYPE: dict[str, str] = {"1": "延长审批", "2": "除延长审批之外的情况"}
"""特别程序种类 (GB A.7; 行政许可法 art. 42, 45)."""

CASE_STATE: dict[str, str] = _table("""
    1 已接件 2 已撤件 3 已受理 4 不受理 5 不予受理 6 补正（开始） 7 补正（结束） 8 部门开始办理
    9 特别程序（开始） 10 特别程序（结束） 11 办结（通过） 12 办结（容缺通过） 13 办结（不通过）
    14 撤回 15 撤销
""")
"""办件状态: the states a hall system reports."""

CASE_STAGE: dict[str, str] = {"1": "受理", "2": "办理中", "3": "办结"}
"""办理阶段: the three steps that are public."""

FINISH_CODE: dict[str, str] = _table("""
    0 出证办结 1 退回办结 2 作废办结 3 删除办结 4 转报办结 5 补正超时驳回 6 办结
""")
"""办结结果 of the SBLSH family of systems."""

SATISFACTION: dict[str, str] = {"5": "非常满意", "4": "满意", "3": "基本满意", "2": "不满意", "1": "非常不满意"}
"""满意度 in 好差评 systems: stars."""

SATISFACTION_GB: dict[str, str] = {"1": "非常满意", "2": "满意", "3": "基本满意", "4": "不满意", "5": "非常不满意"}
"""满意度 as in GB A.8: reversed. For adapters only."""

HCP_TAG: dict[str, str] = _table("""
    510 一窗受理一次办结 511 可以先受理后补材料 512 不用提交证明 513 可以全程网上办理
    514 可以使用手机办理 515 可以就近办理 516 无需材料直接办理 517 服务热情效率高
    406 填写一张表单就可完成申报 407 在线提交材料窗口核验 408 一张清单告知全部申报材料
    409 用告知承诺减免申报材料 410 可以在线预约办理 411 跑大厅一次办完 412 可以使用自助机办理
    413 服务态度较好 307 一次性告知需要补正的材料 308 提供申报材料样本 309 在承诺的时间内办结
    310 办事指南指引准确 311 按办事指南要求的材料即可办理 312 可以快递送达 313 跑动次数与承诺的一致
    314 服务态度一般 207 没有提供材料样本 208 没有提供材料清单 209 未在承诺时间内办结
    210 同样内容的证明材料被要求多次提交 211 承诺网办但无法在线办理
    212 在线预约办理后到实体大厅重复取号排队 213 窗口人员业务不熟练 214 服务态度生硬
    108 在办事指南之外增加新的审批条件 109 需提供办事指南之外的申报材料 110 无理由超过法定办理时间
    111 办事指南提供样本有错 112 承诺在线收取申报材料实际无法收取 113 多头跑窗口和部门
    114 跑动次数与承诺的不一致 115 服务态度差效率低
""")
"""好差评 tags; the first digit is the star level."""

CD_OPERATION: dict[str, str] = {"I": "新增", "U": "更新", "D": "删除"}
"""同步类型 of an exchange row. The column is attested, the letters are not."""

CERT_TYPE: dict[str, str] = _table("""
    111 居民身份证 414 普通护照 511 台湾居民来往大陆通行证 516 港澳居民来往内地通行证
""")
"""证件类型 (GA/T 2000.156), the common ones."""

THEME_NATURAL_PERSON: dict[str, str] = _table("""
    005 生育收养 010 户籍办理 015 民族宗教 020 教育科研 025 入伍服役 030 就业创业 035 设立变更
    040 准营准办 045 抵押质押 050 职业资格 055 纳税缴费 060 婚姻登记 065 优待抚恤 070 规划建设
    075 住房保障 085 社会保障（社会保险、社会救助） 090 证件办理 095 交通出行 100 旅游观光
    105 出境入境 110 消费维权 115 公共安全 120 司法公证 125 知识产权 130 环保绿化 135 文化体育
    140 公用事业 145 医疗卫生 150 离职退休 155 死亡殡葬 998 地方特色分类 999 其他
""")
"""面向自然人事项主题分类."""

THEME_LEGAL_PERSON: dict[str, str] = _table("""
    005 设立变更 010 准营准办 015 资质认证 020 年检年审 025 税收财务 030 人力资源 035 社会保障
    040 投资审批 045 融资信贷 050 抵押质押 055 商务贸易 060 招标拍卖 065 海关口岸 070 涉外服务
    075 农林牧渔 085 国土和规划建设 090 交通运输 095 环保绿化 100 应对气候变化 105 水务气象
    110 医疗卫生 115 科技创新 120 文体教育 125 知识产权 130 民族宗教 135 质量技术 140 检验检疫
    145 安全生产 150 公安消防 155 司法公证 160 公用事业 165 法人注销 170 档案文物 998 地方特色分类
    999 其他
""")
"""面向法人事项主题分类."""

PROVINCE: dict[str, str] = _table("""
    00 国家 11 北京市 12 天津市 13 河北省 14 山西省 15 内蒙古自治区 21 辽宁省 22 吉林省 23 黑龙江省
    31 上海市 32 江苏省 33 浙江省 34 安徽省 35 福建省 36 江西省 37 山东省 41 河南省 42 湖北省
    43 湖南省 44 广东省 45 广西壮族自治区 46 海南省 50 重庆市 51 四川省 52 贵州省 53 云南省
    54 西藏自治区 61 陕西省 62 甘肃省 63 青海省 64 宁夏回族自治区 65 新疆维吾尔自治区 71 台湾省
    81 香港特别行政区 82 澳门特别行政区
""")
"""First two digits of 行政区划 (GB/T 2260); 00 is the national catalogue."""

DISCLOSURE_CHANNEL: tuple[str, ...] = (
    "政府网站", "政府公报", "两微一端", "发布会/听证会", "广播电视", "纸质载体", "公开查阅点", "政务服务中心",
    "便民服务站", "入户/现场", "社区/企事业单位/村公示栏（电子屏）", "精准推送", "12345政务服务热线", "其他",
)  # fmt: skip
"""公开渠道和载体: words without codes."""

TABLES: dict[str, dict[str, str]] = {
    "task_type": TASK_TYPE,
    "use_level": USE_LEVEL,
    "dept_type": DEPT_TYPE,
    "serve_type": SERVE_TYPE,
    "serve_type_gb": SERVE_TYPE_GB,
    "handle_type": HANDLE_TYPE,
    "handle_type_gb": HANDLE_TYPE_GB,
    "project_type": PROJECT_TYPE,
    "power_source": POWER_SOURCE,
    "handle_area": HANDLE_AREA,
    "online_handle_depth": ONLINE_HANDLE_DEPTH,
    "result_type": RESULT_TYPE,
    "task_state": TASK_STATE,
    "editorial_state": EDITORIAL_STATE,
    "time_unit": TIME_UNIT,
    "anticipate_type": TIME_UNIT,
    "promise_type": TIME_UNIT,
    "material_type": MATERIAL_TYPE,
    "material_format": MATERIAL_FORMAT,
    "is_need": IS_NEED,
    "source_type": SOURCE_TYPE,
    "special_type": SPECIAL_TYPE,
    "case_state": CASE_STATE,
    "case_stage": CASE_STAGE,
    "finish_code": FINISH_CODE,
    "satisfaction": SATISFACTION,
    "satisfaction_gb": SATISFACTION_GB,
    "hcp_tag": HCP_TAG,
    "cd_operation": CD_OPERATION,
    "cert_type": CERT_TYPE,
    "user_topic_type": THEME_NATURAL_PERSON,
    "corp_topic_type": THEME_LEGAL_PERSON,
    "province": PROVINCE,
}
"""Every table, by the name of its field."""


def label(table: str, code: str) -> str:
    """Return the Chinese label of a code: `label("task_type", "01")` → 行政许可.

    Raises ValueError naming table and code.
    """
    try:
        return _named(table)[code]
    except KeyError:
        raise ValueError(f"{table} has no code {code!r}") from None


def code_for(table: str, label: str) -> str | None:
    """Return the code of `label`, ignoring blanks around it (also U+3000); None if there is none."""
    wanted = label.strip()
    return next((code for code, text in _named(table).items() if text == wanted), None)


_NATIONAL = {code: code for code in TASK_TYPE}

DIALECTS: dict[str, dict[str, str]] = {
    "guangdong": _NATIONAL | {"20": "10", "21": "20"},
    "sichuan": _NATIONAL | {code.removeprefix("0"): code for code in TASK_TYPE},
    "liaoning": _NATIONAL | {"99": "10"},
}
"""A province's 事项类型 → the national code. Liaoning's 99 is 其他: powers that nobody classified."""

CATALOGUE_DIALECTS: dict[str, str] = {"44": "guangdong", "51": "sichuan", "21": "liaoning"}
"""First two digits of a 基本编码 → the dialect in which its owner numbers task types."""


def national_task_type(code: str, dialect: str | None) -> str:
    """Return the national 事项类型 of a code in `dialect`; None: the code is national.

    Raises ValueError naming code and dialect.
    """
    if dialect is not None and dialect not in DIALECTS:
        raise ValueError(f"no dialect {dialect!r} of task types (code {code!r}); known: {', '.join(DIALECTS)}")
    known = _NATIONAL if dialect is None else DIALECTS[dialect]
    try:
        return known[code.strip()]
    except KeyError:
        raise ValueError(f"task type {code!r} is unknown in dialect {dialect or 'national'!r}") from None


def catalogue_dialect(catalog_code: str) -> str | None:
    """Return the dialect of characters 3 and 4 of this 基本编码; None: as in the national catalogue."""
    return CATALOGUE_DIALECTS.get(catalog_code[:2])


def _named(table: str) -> dict[str, str]:
    if table not in TABLES:
        raise ValueError(f"there is no code table {table!r}")
    return TABLES[table]
