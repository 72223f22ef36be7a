"""verify: read what everybody can read, work it out again from the ledger, compare. Like a stranger, over HTTP.

ledger    positions and versions without holes, every body fits its digest, the tree's root is the signed one
sources   everything they released has reached the ledger
channels  every document is exactly the projection of the newest version, and there is none beyond
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson

from contracts.base import Json, format_time
from contracts.publication import Kind, Publication
from contracts.topology import SOURCES
from services.channels.commands import document_row
from services.channels.digests import Line, digest_lines
from services.channels.port import Adapter
from shared import log
from shared.checkpoint import verify_checkpoint
from shared.comparison import Log, differences
from shared.errors import Broken, NotFound

PAGE = 500
_log = log.get("verification")
PATIENCE_SECONDS = 10.0
SAMPLE = 20


class Reader(Protocol):
    """GET `/<service>/v1/<path>` as JSON. Raises `NotFound` for 404 and 410."""

    def get(self, service: str, path: str, **params: Any) -> Any: ...


@dataclass
class Finding:
    """Something that is not as it should be. `verdict`: stale, different, missing, orphan, broken."""

    where: str
    verdict: str
    key: str
    detail: str = ""


@dataclass
class Report:
    """What was compared and what was found. `stale` within the allowed delay is no problem."""

    entries: int = 0
    root: str = ""
    channels: dict[str, dict[str, Any]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """True when everything is equal, or late within the allowed delay."""
        return all(finding.verdict == "stale" for finding in self.findings)

    def as_json(self) -> Json:
        """For a script."""
        return {
            "good": self.good,
            "entries": self.entries,
            "root": self.root,
            "channels": self.channels,
            "findings": [vars(finding) for finding in self.findings],
        }


class Verification:
    """One run. `tell` hears what is being read, for a progress bar."""

    def __init__(self, reader: Reader, allowed_delay: float, tell: Callable[[str, int], None]) -> None:
        self._reader, self._allowed, self._tell = reader, allowed_delay, tell
        self.log = Log()
        self.report = Report()

    def run(self, channels: Mapping[str, Adapter]) -> Report:
        """Compare the ledger, its sources and the channels."""
        self._read_ledger()
        self._check_head()
        self._check_sources()
        for name, adapter in channels.items():
            self._check_channel(name, adapter)
        self.report.entries = self.log.size
        self.report.root = self.log.tiles.root().hex()
        return self.report

    def _find(self, where: str, verdict: str, key: str, detail: str = "") -> None:
        self.report.findings.append(Finding(where, verdict, key, detail))

    def _read_ledger(self) -> None:
        """Read on from where we are."""
        while True:
            answer = self._reader.get("ledger", "entries", **{"from": self.log.size + 1, "limit": PAGE})
            for data in answer["entries"]:
                self._read_entry(Publication.model_validate(data))
            self._tell("ledger", self.log.size)
            if self.log.size >= answer["size"] or not answer["entries"]:
                return

    def _read_entry(self, entry: Publication) -> None:
        for problem in self.log.take(entry):
            self._find("ledger", "broken", entry.key, problem)

    def _check_head(self) -> None:
        head = self._reader.get("ledger", "head")
        self._read_ledger()
        keys = self._reader.get("ledger", "keys")["keys"]
        signed = None
        for key in keys:
            try:
                signed = verify_checkpoint(head["checkpoint"], key["name"], bytes.fromhex(key["public_key"]))
            except Broken:
                continue
        if signed is None:
            self._find("ledger", "broken", "head", "no signature of a known key")
        elif signed != (head["size"], bytes.fromhex(head["root"])):
            self._find("ledger", "broken", "head", "the signed note says something else than the head")
        elif self.log.root_at(head["size"]) != head["root"]:
            self._find("ledger", "broken", "head", f"the entries give another root for size {head['size']}")

    def _check_sources(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            marks = {(m["source"], m["lane"]): m["sequence"] for m in self._reader.get("ledger", "sources")["sources"]}
            behind = [
                (source, lane, released, marks.get((source, lane), 0))
                for source in SOURCES
                for lane, released in self._reader.get(source, "releases/heads").items()
                if marks.get((source, lane), 0) < released
            ]
            if not behind or time.monotonic() > deadline:
                break
            time.sleep(0.3)
        for source, lane, released, taken in behind:
            self._find(source, "missing", f"{source}/{lane}", f"released {released}, the ledger has {taken}")
        self._read_ledger()

    def _check_channel(self, name: str, adapter: Adapter) -> None:
        mark = self._wait_for(name)
        suspects = self._compare(name, adapter)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while suspects and time.monotonic() < deadline:
            time.sleep(0.3)
            self._read_ledger()
            suspects = self._compare(name, adapter)
        for finding in suspects:
            self.report.findings.append(self._judged(finding, name))
        self._check_parked(name)
        head = mark["head"]
        age = (datetime.now(UTC) - datetime.fromisoformat(head["time"])).total_seconds() if head else None
        counts = self._reader.get(name, "source")["digests"]["counts"]
        self.report.channels[name] = {
            "position": mark["position"],
            "head_age_seconds": None if age is None else round(age, 1),
            "documents": sum(counts.values()),
            "differences": len(suspects),
        }

    def _wait_for(self, name: str) -> Json:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            mark: Json = self._reader.get(name, "position")
            if mark["position"] >= self.log.size or time.monotonic() > deadline:
                return mark
            time.sleep(0.1)

    def _compare(self, name: str, adapter: Adapter) -> list[Finding]:
        expected = self._expected(adapter)
        shown = {change["key"]: change["document"] for change in self._changes(name) if change["document"] is not None}
        public = {key: row for key, row in expected.items() if row["kind"] != Kind.APPLICATION}
        suspects = []
        for key in sorted(public.keys() | shown.keys()):
            wanted = orjson.loads(public[key]["content"]) if key in public else None
            if wanted != shown.get(key):
                suspects.append(_difference(name, key, wanted, shown.get(key)))
        suspects.extend(self._compare_endpoints(name, public))
        if not self.log.withheld:
            suspects.extend(self._compare_cases(name, expected))
        self._tell(name, len(shown))
        return suspects

    def _expected(self, adapter: Adapter) -> dict[str, dict[str, Any]]:
        moment = datetime.now(UTC)
        self.log.turn_pages(moment)
        now = format_time(moment)
        rows = {}
        for key, entry in self.log.newest.items():
            if entry.kind == Kind.APPLICATION and self.log.withheld:
                continue
            try:
                row = document_row(adapter, entry)
            except Exception as error:  # noqa: BLE001  # poison is parked by the channel; `_check_parked` reports it
                _log.debug("not projected", kind=entry.kind, position=entry.position, reason=type(error).__name__)
                continue
            if row["content"] is not None and not (row["expires_at"] and row["expires_at"] <= now):
                rows[key] = row
        return rows

    def _changes(self, name: str) -> Iterator[Json]:
        cursor, more = "0", True
        while more:
            answer = self._reader.get(name, "changes", since=cursor, limit=PAGE)
            yield from answer["changes"]
            cursor, more = answer["cursor"], answer["more"]

    def _compare_endpoints(self, name: str, public: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
        """Some documents by the very address that people use."""
        keys = sorted(public, key=lambda key: hashlib.sha256(f"{self.log.size}{key}".encode()).digest())[:SAMPLE]
        for key in keys:
            kind, _, code = key.partition(":")
            try:
                shown = self._reader.get(name, f"{kind}s/{code}")
            except NotFound:
                shown = None
            wanted = orjson.loads(public[key]["content"])
            if shown != wanted:
                yield _difference(name, key, wanted, shown)

    def _compare_cases(self, name: str, expected: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
        """Cases cannot be listed by anybody: their digests are compared, bucket by bucket."""
        lines = [
            Line(row["key"], row["kind"], row["version"], row["position"], row["content_digest"])
            for row in expected.values()
            if row["kind"] == Kind.APPLICATION
        ]
        wanted = digest_lines(lines).buckets.get(Kind.APPLICATION, {})
        shown = self._reader.get(name, "source")["digests"]["buckets"].get(Kind.APPLICATION, {})
        for bucket in sorted(wanted.keys() | shown.keys()):
            if wanted.get(bucket) != shown.get(bucket):
                yield Finding(name, "different", f"application:* bucket {bucket}", "digests of cases differ")

    def _check_parked(self, name: str) -> None:
        for parked in self._reader.get(name, "parked")["parked"]:
            self._find(name, "missing", parked["key"], f"parked at {parked['position']}: {parked['reason']}")

    def _judged(self, finding: Finding, name: str) -> Finding:
        entry = self.log.newest.get(finding.key)
        position = self._reader.get(name, "position")["position"]
        if entry is not None and position < entry.position:
            age = (datetime.now(UTC) - entry.released_at).total_seconds()
            finding.verdict = "stale" if age <= self._allowed else finding.verdict
            finding.detail = f"{age:.0f} s behind; {finding.detail}"
        return finding


def _difference(name: str, key: str, wanted: Json | None, shown: Json | None) -> Finding:
    if shown is None:
        return Finding(name, "missing", key, "released, and not shown")
    if wanted is None:
        return Finding(name, "orphan", key, "shown, and not in force")
    paths = [difference["path"] for difference in differences(wanted, shown)]
    return Finding(name, "different", key, f"fields: {', '.join(paths)}")
