"""An audit log as a file: CSV for spreadsheets, JSON lines for programs and for checking the chains again."""

import csv
import io
from collections.abc import Iterable, Iterator

import orjson

from contracts.base import Json
from services.console.audit.words import told
from shared.errors import TongyuanError
from shared.text.spreadsheet_cells import harmless

CSV_TYPE, LINES_TYPE = "text/csv; charset=utf-8", "application/x-ndjson"
BYTE_ORDER_MARK = "\ufeff"
COLUMNS = (
    "日志", "序号", "时间（UTC）", "账户", "姓名", "角色", "地址", "操作", "操作代码", "对象", "变化", "追踪号", "摘要",
)  # fmt: skip
INCOMPLETE = "没有导完：读取中断，请重新导出"


def csv_lines(pages: Iterable[list[Json]]) -> Iterator[str]:
    """Yield the file in parts. If a log fails midway, the last row says that the file is not complete."""
    yield BYTE_ORDER_MARK + _lines([COLUMNS])
    try:
        for page in pages:
            yield _lines(_cells(row) for row in page)
    except TongyuanError:
        yield _lines([(INCOMPLETE,)])


def json_lines(pages: Iterable[list[Json]]) -> Iterator[bytes]:
    """Yield a row a line, as the logs tell them. If a log fails midway, the last line is `{"incomplete": …}`."""
    try:
        for page in pages:
            yield b"".join(orjson.dumps(row) + b"\n" for row in page)
    except TongyuanError as error:
        yield orjson.dumps({"incomplete": str(error) or INCOMPLETE}) + b"\n"


def _cells(row: Json) -> tuple[str, ...]:
    words = told(row, row["log"])
    changed = "；".join(f"{one['label']}：{one['before'] or '无'} → {one['after'] or '无'}" for one in words["fields"])
    actor = row["actor"]
    return (
        words["log_title"], str(row["sequence"]), row["at"], actor["name"], actor["title"], words["roles"],
        actor["address"], words["action_title"], row["action"], row["object"], changed, row["trace_id"] or "",
        row["hash"],
    )  # fmt: skip


def _lines(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue()
