"""The sentences that refuse a whole file, in Chinese: the command line speaks English, clerks read both."""

import re
from collections.abc import Callable

_SAVE = "请用Excel或WPS打开，另存为.xlsx再上传"
_TABLE = "请向对方要原来的表格"

_SENTENCES: dict[str, str | Callable[[re.Match[str]], str]] = {
    r"a PDF document": f"这个文件像是PDF文档：{_TABLE}",
    r"a picture": f"这个文件像是图片：{_TABLE}",
    r"an archive \(RAR\)|an archive \(7-Zip\)|an archive \(ZIP\)": "这个文件像是压缩包：请先解压，再上传里面的表格",
    r"compressed": "这个文件是压缩过的：请先解压再上传",
    r"a text document \(RTF\)|a Word document": "这个文件像是Word文档：请把里面的表格复制到Excel或WPS，存为.xlsx",
    r"a presentation": "这个文件像是演示文稿：请把里面的表格复制到Excel或WPS，存为.xlsx",
    r"UTF-16": f"这个文件是UTF-16编码的文本：{_SAVE}",
    r"a database \(SQLite\)": "这个文件像是数据库：请导出为CSV",
    r"a table of Excel 2003 in XML": f"这个文件是Excel 2003的XML表格：{_SAVE}",
    r"a web page \(HTML\)|a saved web page": f"这个文件其实是网页，只是用了表格的文件名：{_SAVE}",
    r"an XML document": "这个文件像是XML文档：请改要表格，或者JSON Lines",
    r"a binary workbook": f"这个文件是二进制工作簿（.xlsb）：{_SAVE}",
    r"of OpenDocument": f"这个文件是OpenDocument格式：{_SAVE}",
    r"a workbook with a password": "这个工作簿有密码：请在Excel或WPS里去掉密码再保存",
    r"a damaged workbook|damaged": f"这个工作簿已损坏或没有传完整：{_SAVE}",
    r"an old Office document without a table": f"这个旧版Office文件里没有表格：{_SAVE}",
    r"JSON, not a table": "这个文件是JSON，不是表格：格式请选“国家平台交换库”或“广东政务服务网”",
    r"an? (?:old )?Excel workbook": "这个文件是Excel工作簿：格式请选“表格”",
    r"the file is empty": "文件是空的",
    r"not a text file": "这个文件不是文本，也不是工作簿",
    r"one JSON object over several lines": "每行须为一个完整的JSON对象（JSON Lines），或者整个文件是一个数组",
    r"unpacked it has": "这个工作簿解压后大得不正常，没有读：请把表格复制到新工作簿，或另存为CSV",
    r"bytes, a workbook may have|bytes, at most": "文件太大：请拆成几个文件，或另存为CSV",
    r"more than [\d,]+ rows": "行数太多：请拆成几个文件",
    r"the header has no column (?P<column>[^;]+); row (?P<row>\d+)": lambda found: (
        f"表头里没有“{found['column']}”这一列，请核对对照表；第{found['row']}行的列名见括号内"
    ),
    r"the header: the name (?P<column>.+?) occurs twice": lambda found: f"表头里“{found['column']}”出现了两次，请改名",
    r"the header cannot be read": "读不出表头",
    r"there is no visible sheet|the workbook has no visible sheet": "没有这个工作表，或者它被隐藏了",
    r"no column looks like the 实施编码": "没有一列像是实施编码：每个事项都要有31位实施编码，请补上这一列",
    r"must be beside the list|does not exist": "对照表里写的文件没有上传：请在本页“清单旁边的文件”上传它",
    r"needs a mapping file": "表格须有对照表",
    r"not YAML": "对照表写得不合格式（YAML）",
    r"unknown field": "对照表里有不认识的字段名",
}
_KNOWN = [(re.compile(pattern), text) for pattern, text in _SENTENCES.items()]


def bilingual(message: str) -> str:
    """Return the sentence in Chinese with the English one in brackets; unchanged if it has no Chinese here."""
    for pattern, text in _KNOWN:
        found = pattern.search(message)
        if found is not None:
            return f"{text if isinstance(text, str) else text(found)} ({message})"
    return message
