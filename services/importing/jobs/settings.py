"""How an uploaded file is read and what an import of it may do, as a client states it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field

from contracts.base import Contract
from services.importing.engine.import_run import ImportOptions
from services.importing.file_import import FileToImport
from services.importing.formats.csv_mapping import LARGEST_MAPPING, load_mapping
from services.importing.formats.registry import FORMATS
from services.importing.jobs.upload_folder import safe_name
from shared.errors import Invalid, TooLarge, Violation
from shared.publishing.imports.request import REGION_PATTERN, SOURCE_PATTERN, Confirmation
from shared.security.data_folder import open_private

MAPPING_FILE = "mapping.yaml"
LONGEST_PATTERN = 200
MOST_REPEATS, MOST_OPTIONAL = 2, 5
_REPEAT = re.compile(
    r"(?:\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|(?P<group>\)[*+?{])|(?P<open>[*+]|\{\d*,\d*\})|(?<!\()(?P<maybe>\?))"
)


class ImportSettings(Contract):
    """`mapping`: of a table, YAML text or the same as an object. `codes`: name of the file beside the list with local
    codes. `source`: name of the import source, by default the format. The rest: see `ImportOptions`.
    """

    format: str = Field(default="table", max_length=20, title="格式")
    mapping: dict[str, Any] | str | None = Field(default=None, title="对照表")
    codes: str | None = Field(default=None, max_length=120, title="本地编码表")
    source: str = Field(default="", pattern=rf"^$|{SOURCE_PATTERN}", title="来源")
    regions: list[Annotated[str, Field(pattern=REGION_PATTERN)]] = Field(
        default=[], max_length=100, title="另准行政区划"
    )
    empty_cells: bool = Field(default=False, title="空格表示清空")
    full: bool = Field(default=False, title="这是完整清单")
    withdraw_missing: bool = Field(default=False, title="撤下清单里没有的")
    confirm: list[Confirmation] = Field(default=[], title="已确认")
    note: str | None = Field(default=None, max_length=2000, title="说明", description="For the reviewers.")

    @property
    def source_name(self) -> str:
        """The name of the import source."""
        return self.source or self.format

    def options(self, *, dry_run: bool, submit: bool = False) -> ImportOptions:
        """Return the options of the engine."""
        confirmed = frozenset(map(Confirmation, self.confirm))
        return ImportOptions(dry_run, self.empty_cells, self.full, self.withdraw_missing, confirmed, submit)

    def require_sound(self) -> None:
        """Raises `Invalid` for what no import could mean."""
        found = list(self._problems())
        if found:
            raise Invalid(*found)

    def _problems(self) -> Iterator[Violation]:
        if self.format not in FORMATS:
            yield Violation("format", "known", f"须为{'、'.join(FORMATS)}之一 (one of these)", self.format)
        elif FORMATS[self.format].needs_mapping and self.mapping is None:
            yield Violation("mapping", "required", "表格须有对照表：哪一列填哪一项 (a table needs a mapping)")
        elif not FORMATS[self.format].needs_mapping and self.mapping is not None:
            yield Violation("mapping", "unused", f"{self.format}不用对照表 (this format takes no mapping)")
        if self.codes is not None and safe_name(self.codes) != self.codes:
            yield Violation(
                "codes", "file_name", "须为清单旁边的文件名 (the name of a file beside the list)", self.codes
            )
        if self.withdraw_missing and not self.full:
            message = "只有完整清单才说明哪些事项没有了 (withdraw_missing needs full)"
            yield Violation("withdraw_missing", "needs_full", message)

    def file(self, path: Path, folder: Path, by: str) -> FileToImport:
        """Return the file to import; writes the mapping into `folder`. Raises `Invalid`, `TooLarge`, `OSError`."""
        mapping = None if self.mapping is None else self._written(folder / MAPPING_FILE)
        codes = None if self.codes is None else path.parent / self.codes
        return FileToImport(path, self.format, self.source_name, mapping, codes, tuple(self.regions), by)

    def _written(self, target: Path) -> Path:
        given = self.mapping
        text = given if isinstance(given, str) else yaml.safe_dump(given, allow_unicode=True, sort_keys=False)
        content = text.encode("utf-8", "surrogatepass")
        if len(content) > LARGEST_MAPPING:
            raise TooLarge(f"对照表至多{LARGEST_MAPPING // 1024} KB (a mapping has at most {LARGEST_MAPPING:,} bytes)")
        target.unlink(missing_ok=True)
        with open_private(target) as file:
            file.write(content)
        mapping = load_mapping(target)
        problems = [
            Violation(f"columns.{name}.pattern", "pattern", message, rule.pattern)
            for name, rule in mapping.columns.items()
            if rule.pattern is not None and (message := slow(rule.pattern)) is not None
        ]
        if problems:
            raise Invalid(*problems)
        return target


def slow(pattern: str) -> str | None:
    """Return why a pattern could take too long, None if it cannot.

    A search holds this process until it ends: with a repeated group, or many repeats beside one another, one cell of
    20,000 characters could hold it for hours. An operator may use any pattern on the command line.
    """
    found = list(_REPEAT.finditer(pattern))
    if len(pattern) > LONGEST_PATTERN:
        return f"至多{LONGEST_PATTERN}个字符 (at most {LONGEST_PATTERN} characters)"
    if any(one["group"] for one in found):
        return "括号后不能有 * + ? {n}：可能算不完 (a group may not be repeated here: it could take for ever)"
    if sum(one["open"] is not None for one in found) > MOST_REPEATS:
        return f"至多{MOST_REPEATS}个 *、+ 或 {{m,n}} (at most {MOST_REPEATS} repeats)"
    if sum(one["maybe"] is not None for one in found) > MOST_OPTIONAL:
        return f"至多{MOST_OPTIONAL}个 ? (at most {MOST_OPTIONAL} optional parts)"
    return None


class RunRequest(Contract):
    """`preview`: the job whose plan is to be carried out. `digest`: its digest, as the sender has seen it."""

    preview: int = Field(ge=1, le=2**31 - 1, title="预览")
    digest: str = Field(pattern=r"^[0-9a-f]{64}$", title="预览摘要")


class SubmitSettings(RunRequest):
    """`note`: what the reviewers are told."""

    note: str | None = Field(default=None, min_length=1, max_length=2000, title="说明")


class UndoSettings(Contract):
    """`source`: as at the import, by default that of its newest run. `preview`: only say what would be taken back."""

    source: str = Field(default="", pattern=rf"^$|{SOURCE_PATTERN}", title="来源")
    preview: bool = Field(default=False, title="只预览")
