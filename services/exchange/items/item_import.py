"""Items of the tables `up_task_*` into the county, by the import over HTTP: its gates, breaker and outcomes hold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import orjson

from contracts.base import Json
from contracts.topology import IMPORTING
from services.exchange.items.joined_rows import Joined
from services.exchange.refusals import Refusal
from services.exchange.services_over_http import Services, ended_job
from services.exchange.tables.definitions import PUBLIC_SERVICE

FORMAT = "up-task"
FILE = "up_task.jsonl"
FINISHED = "finished"


@dataclass(frozen=True)
class ImportWishes:
    """How rows are imported. `submit`: to the five gates; neither it nor `preview` changes an item.

    `source`: name of the import source, whose last values are stored. `confirm`: what the breaker holds. `table`: where
    refused rows stood, if not in `up_task_*`.
    """

    source: str = FORMAT
    preview: bool = False
    submit: bool = False
    empty_cells: bool = False
    regions: Sequence[str] = ()
    confirm: Sequence[str] = ()
    note: str | None = None
    table: str | None = None


@dataclass
class ImportedItems:
    """The result: the last job's state, its figures and problem, and the rows that the import refused.

    `left_out`: values that cost their field (ADR 0073); `doubtful`: values that somebody should look at.
    """

    state: str
    figures: Json = field(default_factory=dict)
    held_for: Json = field(default_factory=dict)
    reviews: Json = field(default_factory=dict)
    problem: str | None = None
    refusals: list[Refusal] = field(default_factory=list)
    left_out: list[Refusal] = field(default_factory=list)
    doubtful: list[Refusal] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every row has an outcome that is no refusal, and the breaker holds nothing."""
        return self.state == FINISHED and not self.refusals and not self.held_for


def import_items(
    services: Services, items: Sequence[Joined], wishes: ImportWishes, rest: Callable[[], object], most: int
) -> ImportedItems:
    """Preview the items, then submit or import them as `wishes` say. `rest`, `most`: see `ended_job`.

    Repeating it is harmless: what the county has already is unchanged, and an older version is counted as older.
    Raises `Refused`, `Unavailable`.
    """
    if not items:
        return ImportedItems(FINISHED)
    lines = (orjson.dumps(item) + b"\n" for item in items)
    name = FILE if wishes.table is None else f"{wishes.source}.jsonl"
    upload = services.upload(IMPORTING, "imports", lines, name=name)["id"]
    settings: Json = {
        "format": FORMAT,
        "source": wishes.source,
        "empty_cells": wishes.empty_cells,
        "regions": list(wishes.regions),
        "confirm": list(wishes.confirm),
    }
    asked = services.post(IMPORTING, f"imports/{upload}/previews", settings)
    job = ended_job(services, asked["id"], rest, most)
    if job["state"] == FINISHED and not wishes.preview:
        sent = {"preview": job["id"], "digest": job["digest"]}
        kind, more = ("submissions", {"note": wishes.note}) if wishes.submit else ("runs", {})
        asked = services.post(IMPORTING, f"imports/{upload}/{kind}", {**sent, **more})
        job = ended_job(services, asked["id"], rest, most)
    return _result(services, job, items, wishes.table)


def _result(services: Services, job: Json, items: Sequence[Joined], table: str | None) -> ImportedItems:
    outcome = job.get("outcome") or {}
    figures, held = outcome.get("figures") or {}, outcome.get("held_for") or {}
    found = ImportedItems(job["state"], figures, held, outcome.get("reviews") or {}, job["problem"])
    if job["state"] == FINISHED:
        listed = services.get(IMPORTING, f"jobs/{job['id']}/files/findings.json")
        findings = listed["findings"] if isinstance(listed, dict) else listed
        by_severity: dict[str, list[Refusal]] = {}
        for one in findings:
            by_severity.setdefault(one["severity"], []).append(_refusal(one, items, table))
        found.refusals = by_severity.get("refused", [])
        found.left_out, found.doubtful = by_severity.get("left_out", []), by_severity.get("doubtful", [])
    return found


def _refusal(finding: Json, items: Sequence[Joined], table: str | None) -> Refusal:
    """Return the refusal of a row; rows are numbered as the lines of the file, from 1."""
    number = finding["row"]
    item = items[number - 1] if number and number <= len(items) else {}
    if table is None:
        table = "up_task_public_basic" if item.get("task_type") == PUBLIC_SERVICE else "up_task_general_basic"
    remedy = f"{finding['message']}: {finding['remedy']}"
    return Refusal(table, item.get("row_guid"), finding["column"], finding["rule"], remedy, finding["value"])
