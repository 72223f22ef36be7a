"""Runs an import as the command line does, from outcomes to a county, without a terminal."""

import hashlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from services.catalog.commands import ItemImport
from services.importing.engine.import_run import Course, ImportOptions
from services.importing.engine.reading import Reading, RowListener
from services.importing.engine.report import ImportReport, warnings_of
from services.importing.engine.results import Result
from services.importing.engine.sources import Desk, ImportOrigin, Sources
from services.importing.engine.spool import spooling
from services.importing.formats.up_task import convert
from services.importing.row import Outcome, Row
from shared.errors import UpstreamDown
from shared.publishing.imports.request import Confirmation, ImportRequest
from shared.publishing.imports.statement import StatementStore
from shared.text.validation import parse
from tests.harness.actors import TESTER
from tests.harness.pipeline import Pipeline, code_of


def imported(
    sources: Sources,
    outcomes: Iterable[Outcome],
    wishes: ImportOptions | None = None,
    origin: ImportOrigin | None = None,
    *,
    pause: float = 0.0,
) -> tuple[Course, ImportReport]:
    """Return the course of an import, to its end. `pause`: seconds after each step."""
    report = ImportReport()

    def settled(result: Result) -> None:
        report.warn(result.number, result.code, warnings_of(result))

    wanted = wishes or ImportOptions()
    with spooling() as spool:
        reading = Reading(spool, RowListener(report.warn, _ignore), empty_cells=wanted.empty_cells)
        for _ in reading.take(outcomes):
            pass
        course = Course(reading, Desk(sources, origin or ImportOrigin("test")), wanted, settled)
        for _ in course.run():
            time.sleep(pause)
    return course, report


def _ignore(_rejected: Any) -> None:
    """Ignore it: results contain it, too."""


class Direct:
    """The import API of a small county without HTTP; requests and answers are converted to JSON all the same."""

    def __init__(self, county: Pipeline) -> None:
        self._county = county
        self.requests = 0
        self.dies_after: int | None = None

    def post(self, service: str, path: str, content: object) -> Any:
        """See `services.importing.engine.sources.Sources`."""
        if self.dies_after is not None and self.requests >= self.dies_after:
            raise UpstreamDown(f"{service} does not answer")
        self.requests += 1
        sent = orjson.loads(orjson.dumps(content))
        outcome = (
            self._county.catalog.import_items(TESTER, parse(ItemImport, sent))
            if service == "catalog"
            else self._county.guides.import_guides(TESTER, parse(ImportRequest, sent))
        )
        return orjson.loads(orjson.dumps(asdict(outcome)))

    def get(self, service: str, path: str, **params: Any) -> Any:
        """Codes that a source has declared to be in use."""
        with self._county.dbs[service].read() as session:
            return {"codes": StatementStore(session, params["source"]).codes_in_use(params["after"], params["limit"])}


def exchange_row(number: int, **changes: Any) -> dict[str, Any]:
    """Return a valid row of the exchange for the county's item `number`; a change to None removes a field."""
    code = code_of(number)
    row = {
        "task_code": code,
        "task_name": f"第{number}号事项",
        "task_type": "07",
        "dept_name": "云溪县公安局",
        "promise_day": 10,
        "promise_type": "1",
        "accept_condition": "年满18周岁",
        "transact_addr": "测试路1号",
        "link_way": "0571-5360001",
        "is_entry_center": "1",
        "material": [{"material_name": "申请表", "is_need": "1"}],
    }
    return {name: value for name, value in (row | changes).items() if value is not None}


def outcomes_of(rows: Iterable[dict[str, Any]]) -> Iterator[Outcome]:
    """Yield rows of the exchange as the importer reads them."""
    return (convert(Row(number, row)) for number, row in enumerate(rows, start=1))


@dataclass(frozen=True)
class Brought:
    """The result of an import."""

    course: Course
    report: ImportReport

    @property
    def fates(self) -> list[str]:
        """The outcome of each row, in file order."""
        return [str(one.fate) for one in self._results]

    def result(self, number: int) -> Result:
        """Return the result of one row."""
        return next(one for one in self._results if one.number == number)

    @property
    def _results(self) -> list[Result]:
        return sorted(self.course.results, key=lambda one: one.number or 0)


def bring(county: Pipeline, *rows: dict[str, Any], source: str = "test", file: str = "a", **wishes: Any) -> Brought:
    """Import rows of the exchange as one file of a source."""
    everything = frozenset(Confirmation) if wishes.pop("confirm", True) else frozenset()
    origin = ImportOrigin(source, "up-task/1", f"{file}.jsonl", hashlib.sha256(file.encode()).hexdigest(), "张三")
    wanted = ImportOptions(**{"confirmed": everything, **wishes})
    course, report = imported(Direct(county), outcomes_of(rows), wanted, origin)
    return Brought(course, report)
