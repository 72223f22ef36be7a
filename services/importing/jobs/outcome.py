"""What a job found, as JSON for its reader, and the files that it leaves."""

from enum import StrEnum
from pathlib import Path

from contracts.base import Json
from services.importing.engine.findings import write_findings
from services.importing.engine.results import RowFate
from services.importing.file_import import FileImport
from services.importing.jobs.before_after import title_of
from services.importing.model import JobKind


class JobFile(StrEnum):
    """The files of an import job, by their names in its folder."""

    REPORT = "report.jsonl"
    REJECTS = "rejects.jsonl"
    WARNINGS = "warnings.jsonl"
    FINDINGS_CSV = "findings.csv"
    FINDINGS_JSON = "findings.json"


def of_import(run: FileImport, values: list[Json], changed: int) -> Json:
    """Return the outcome of a preview or a run. `values`: of changed rows, before and after; `changed`: all of them."""
    told = run.report.as_json(run.course)
    named = {name: title_of(name) for name in told["unknown"]}
    return {**told, "values": values, "changed_rows": changed, "titles": named}


def write_all_findings(run: FileImport, folder: Path) -> None:
    """Write the findings as CSV and JSON. Raises `OSError`."""
    for name in (JobFile.FINDINGS_CSV, JobFile.FINDINGS_JSON):
        write_findings(folder / name, run.report.findings)


def interrupted(kind: str, rows: int, settled: int) -> str:
    """Return, for people, what is true of a job whose process died. `settled`: rows whose outcome is in the report."""
    if kind == JobKind.UNDO:
        return "撤销时服务中断，可能只撤销了一部分：再撤销一次，已撤销的会被认出 (interrupted: undo it again)"
    if kind != JobKind.RUN:
        return "服务中断，什么都没有改：请重新预览 (interrupted; nothing was changed: preview it again)"
    left = rows - settled
    return (
        f"服务中断：{rows}行中{settled}行已完成，{left}行没有处理到，或者没有收到结果。重新预览并导入同一个文件即可，"
        f"已完成的会被认出 (interrupted: {settled} of {rows} rows are finished, {left} {RowFate.NOT_REACHED}: "
        "preview and import the same file again)"
    )
