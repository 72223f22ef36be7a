"""The kinds of files that can be imported, by the name the command line gives them, and the one way to read each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from services.importing import csv_mapping, gd_portal, up_task
from services.importing.csv_mapping import CsvMapping
from services.importing.csv_reading import csv_rows
from services.importing.notes import Rule
from services.importing.reading import LARGEST_FILE, json_rows
from services.importing.repeats import judged
from services.importing.row import Outcome, Rejected, Row
from shared.errors import Invalid, Violation

Convert = Callable[[Row], Outcome]


@dataclass(frozen=True)
class Format:
    """One kind of file. `convert` is None where the conversion comes from a mapping."""

    name: str
    title: str
    code_column: str
    convert: Convert | None = None

    @property
    def needs_mapping(self) -> bool:
        """Whether the user must say which column is what."""
        return self.convert is None


FORMATS: dict[str, Format] = {
    "gd-portal": Format(
        "gd-portal", "广东政务服务网事项及指南（JSON Lines 或 JSON 数组）", "TASK_CODE", gd_portal.convert
    ),
    "up-task": Format("up-task", "国家平台交换库 up_task（JSON Lines 或 JSON 数组）", "task_code", up_task.convert),
    "csv": Format("csv", "任意 CSV，按映射文件", "code"),
}


def read(path: Path, format: str, mapping: Path | None = None, *, largest: int = LARGEST_FILE) -> Iterator[Outcome]:  # noqa: A002
    """Each row of `path` as accepted or rejected, in the file's order; nothing but the codes seen is kept in memory.

    `format`: a name of `FORMATS`; `mapping`: the YAML file that `csv` needs. A wrong format, mapping or file raises
    (`Invalid`, `NotFound`, `TooLarge`) at once or before the first row; after that no row raises.
    """
    kind = _known(format)
    if kind.needs_mapping != (mapping is not None):
        message = "csv needs a mapping file" if kind.needs_mapping else f"{format} takes no mapping file"
        raise Invalid(Violation("mapping", str(Rule.REQUIRED), message))
    if kind.convert is not None:
        return judged(_converted(json_rows(path, largest), kind.convert), kind.code_column)
    chosen = csv_mapping.load_mapping(mapping or path)
    return judged(_csv(path, chosen, largest), chosen.columns["code"].column)


def _known(format: str) -> Format:  # noqa: A002
    if format not in FORMATS:
        raise Invalid(Violation("format", "known", f"one of {', '.join(FORMATS)} expected", format))
    return FORMATS[format]


def _csv(path: Path, mapping: CsvMapping, largest: int) -> Iterator[Outcome]:
    rows = csv_rows(
        path, encoding=mapping.encoding, delimiter=mapping.delimiter, needed=mapping.needed, largest=largest
    )
    return _converted(rows, csv_mapping.converter(mapping))


def _converted(rows: Iterator[Row | Rejected], convert: Convert) -> Iterator[Outcome]:
    return (row if isinstance(row, Rejected) else convert(row) for row in rows)
