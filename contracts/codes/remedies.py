"""What to do about a broken rule or a warning of an import, in English and Chinese, by the rule's stable name."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remedy:
    """What the owner of the data does about it. `zh`: the same in Chinese."""

    en: str
    zh: str


_CODE = Remedy("compare the code with the register of the unit and write it in full", "核对并填写完整的编码")
_CELL = Remedy("write the value as the rule says, or leave the cell blank", "按规则填写，或者留空")
_OWNER = Remedy("ask the unit that owns the item, and correct its list", "请事项所属部门核实并修改清单")
_FILE = Remedy("save the file again as .xlsx or as CSV in UTF-8", "请另存为 .xlsx 或 UTF-8 编码的 CSV")
_UNWRITTEN = Remedy("replace the word by the real content, or leave the cell blank", "请改成真实内容，或者留空")

REMEDIES: dict[str, Remedy] = {
    # Rules of a row (services.importing.fields.notes.Rule).
    "readable": _FILE,
    "encoding": _FILE,
    "characters": _FILE,
    "line_length": Remedy("shorten the cells of this row", "请缩短该行内容"),
    "depth": Remedy("write the child tables as simple lists", "请将子表改成简单列表"),
    "columns": Remedy("compare the number of cells with the header", "请核对该行列数与表头是否一致"),
    "repeated_field": Remedy("keep one of the two values", "同一字段出现两次，请只保留一个"),
    "type": Remedy("write a single text", "请填写单个文本"),
    "required": Remedy("fill in the cell", "必填，请补充"),
    "number": Remedy("write a whole number, e.g. 1", "请填写整数，例如 1"),
    "duration": Remedy("write days with their unit, e.g. 15个工作日", "请写明天数和单位，例如 15个工作日"),
    "yes_no": Remedy("write 是 or 否", "请填写“是”或“否”"),
    "date": Remedy("write a date like 2026-03-01, in a cell formatted as a date", "请填写日期，例如 2026-03-01"),
    "money": Remedy("write an amount in 元, e.g. 10.50", "请填写以元为单位的金额，例如 10.50"),
    "code_table": Remedy("write a code or a label of the table", "请填写代码表中的代码或名称"),
    "pattern": Remedy("compare the cell with the pattern in the mapping", "请核对该单元格与映射文件中的格式"),
    "region": Remedy("write 行政区划 of 6, 9 or 12 digits", "请填写 6、9 或 12 位行政区划代码"),
    "operation": Remedy("write I, U or D", "请填写 I、U 或 D"),
    "spreadsheet_error": Remedy("repair the formula, or write the value", "单元格公式出错，请修正公式或直接填写内容"),
    "lost_digits": Remedy(
        "format the column as text, then enter the value again", "数字位数已丢失，请先将该列设为“文本”，再重新输入"
    ),
    "unwritten": _UNWRITTEN,
    "child_without_item": Remedy(
        "repair the code, or add the item to the list", "清单中没有该编码，请更正编码或补充事项"
    ),
    "more": Remedy("repair the errors listed, then import again", "请先修正已列出的问题，再重新导入"),
    "one_change": Remedy("repair the other row; both change together", "请先修正相关的另一行，两行须同时变更"),
    "version": Remedy("raise the version in the source", "请提高来源系统中的版本号"),
    "same_as_entry": Remedy("write the same code in both places", "两处编码须一致"),
    "local_code": _CODE,
    # Checks of an item (domain 3 and 7).
    "C-1": _CODE,
    "C-2": _CODE,
    "C-3": Remedy("write the unit's code as in the item's code", "实施主体编码须与实施编码一致"),
    "C-4": Remedy("write the level as in the item's code", "行使层级须与实施编码一致"),
    "C-5": Remedy("write the basic code as in the item's code", "基本编码须与实施编码一致"),
    "C-6": Remedy("write the type as in the basic code", "事项类型须与基本编码一致"),
    "C-7": Remedy("compare the item with the directory of basic items", "请与基本目录核对"),
    "C-8": Remedy(
        "the unit is not of this county: name its division with --region",
        "实施主体不属于本县，请核对或另行指定行政区划",
    ),
    "C-9": Remedy("keep one row for each code, and one form of an item", "同一事项请只保留一行、一种形式"),
    "C-10": Remedy("raise the version in the source", "请提高来源系统中的版本号"),
    # Warnings (services.importing.row.WarningName).
    "unwritten_inside": _UNWRITTEN,
    "html_content_lost": Remedy("say in words what the picture shows", "请用文字说明图片内容"),
    "list_unclear": Remedy("write 或 for a choice, and ；between materials", "任选其一请写“或”，多项材料请用“；”分隔"),
    "column_left_out": Remedy("add the column to the mapping if it matters", "如需该列，请加入映射文件"),
    "unknown_code": Remedy("write a code or a label of the table", "请填写代码表中的代码或名称"),
    "unknown_theme": Remedy("write a theme of the national table", "请填写国家主题分类中的名称"),
    "unknown_column": Remedy("nothing, or ask for a field", "该列未导入，如需请提出"),
    "unsafe_url_dropped": Remedy("write a full address that begins with https://", "请填写以 https:// 开头的完整网址"),
    "unit_unknown": Remedy("write the unit, e.g. 15个工作日", "请写明单位，例如 15个工作日"),
    "word_unclear": Remedy("write the value, or leave the cell blank", "请填写确定的内容，或者留空"),
    "same_phone": Remedy("write a telephone of another unit for complaints", "投诉电话不应与咨询电话相同"),
    "promise_over_limit": Remedy("correct one of the two limits", "承诺时限不应长于法定时限"),
    "missing_limit": Remedy("write the legal limit", "请补充法定时限"),
    "window_without_address": Remedy("write the window's address", "请补充办理地点"),
    "legal_basis_unparsed": Remedy("write the law as 《…》第…条", "请按“《法律名称》第…条”填写"),
    "guide_empty": Remedy(
        "fill in conditions, materials, steps or the window", "请补充受理条件、申请材料、办理流程或办理地点"
    ),
    "guide_left_out": Remedy("nothing: this type of item has no applications", "该事项类型无需办事指南"),
    "term_too_long": Remedy("shorten the name to 100 characters", "请缩短到 100 字以内"),
    "zero_visits_without_channel": Remedy(
        "correct the number of visits, or state how to apply from home", "请核对跑动次数，或注明网上、邮寄办理方式"
    ),
    "name_differs": Remedy("write the same name in the list and in the guide", "清单与指南中的事项名称须一致"),
    "visits_differ": Remedy("write the same number in the list and in the guide", "清单与指南中的跑动次数须一致"),
    "type_label_differs": Remedy("compare the type's code with its label", "请核对事项类型的代码与名称"),
    "overrides_hand_change": Remedy("check whether the editor's change is still right", "来源已覆盖人工修改，请核对"),
    "not_released": Remedy("correct 计划取消日期 if the item is still in use", "如事项仍有效，请更正计划取消日期"),
    "duplicate_row": Remedy("delete one of the two rows", "重复行，请删除一行"),
}
"""Rule or warning → what to do."""


def remedy(rule: str) -> Remedy:
    """Return what to do about `rule`; for a rule that needs no remedy of its own, a general one."""
    if rule in REMEDIES:
        return REMEDIES[rule]
    return _CELL if rule.startswith("contract:") else _OWNER
