"""verify: read everything public over HTTP, recompute it from the ledger, and compare.

ledger    positions and versions have no holes, every body fits its digest, the tree's root is the signed one
sources   everything they released is in the ledger, and everything in the ledger was released by them
signer    it signs, so that something new can be released
channels  every document is exactly the projection of the newest version, and there are no others
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import orjson

from contracts.base import Json, format_time
from contracts.envelope.publication import Publication
from contracts.kinds import KINDS, is_listed, is_public
from contracts.topology import SOURCES
from services.channels.core.digests import DigestLine, digest_lines
from services.channels.core.documents import document_row
from services.channels.core.port import Adapter
from services.operations.unstated_facts import hall_unknown
from services.operations.verification.feeds import ReadFeeds
from services.operations.verification.report import Finding, VerificationReport
from shared import log
from shared.errors import Broken, NotFound, Refused, Unavailable
from shared.feeds.comparison import FeedComparison, Mismatch
from shared.publishing.recording_status import heard, unsigned
from shared.transparency.checkpoint import verify_checkpoint
from shared.transparency.comparison import Log, differences, is_without_body
from shared.transparency.head_statement import read_statement

PAGE = 500
_log = log.get("verification")
PATIENCE_SECONDS = 10.0
SAMPLE = 20
UNLISTED = sorted(kind for kind in KINDS if not is_listed(kind))


class CountyReader(Protocol):
    """GET `/<service>/v1/<path>` as JSON. Raises `NotFound` for 404 and 410, `Refused` for any other refusal."""

    def get(self, service: str, path: str, **params: Any) -> Any: ...


class Verification:
    """One run. `tell` receives what is being read, for a progress bar."""

    def __init__(
        self,
        reader: CountyReader,
        allowed_delay: float,
        tell: Callable[[str, int], None],
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """`patience`: seconds for which a difference may disappear, because messages are on their way."""
        self._reader, self._allowed, self._tell, self._patience = reader, allowed_delay, tell, patience
        self.log = Log()
        self.report = VerificationReport()
        self._feeds = FeedComparison(ReadFeeds(reader.get), SOURCES)

    def run(self, channels: Mapping[str, Adapter]) -> VerificationReport:
        """Compare the ledger, its sources and the channels."""
        self._read_statement()
        self._read_ledger()
        self._check_head()
        self._check_sources()
        for name, adapter in channels.items():
            self._check_channel(name, adapter)
        self._report_uncompared()
        self.report.unreleasable = unsigned(heard(self._reader.get), datetime.now(UTC))
        self.report.entries = self.log.size
        self.report.root = self.log.tiles.root().hex()
        self.report.hall_unknown = hall_unknown(self.log.newest.values())
        return self.report

    def _report_uncompared(self) -> None:
        for reason, count in sorted(self.log.unknown.items()):
            self._find("ledger", "unknown", "*", f"{reason}: {count} entries are in the tree but were not compared")
        for position in self.log.due_bodies(datetime.now(UTC) - timedelta(seconds=self._allowed)):
            self._find("ledger", "broken", f"position {position}", "its body is withheld although its time has come")

    def _find(self, where: str, verdict: str, key: str, detail: str = "") -> None:
        self.report.findings.append(Finding(where, verdict, key, detail))

    def _read_statement(self) -> None:
        """Read the keys by which sources sign from the ledger's statement; do nothing before the first statement."""
        try:
            note = self._reader.get("ledger", "statement")["note"]
        except (Refused, Unavailable):
            return
        try:
            said = read_statement(note, self._reader.get("ledger", "keys")["keys"])
        except Broken as error:
            self._find("ledger", "broken", "statement", str(error))
            return
        self.log.sources, self.log.origin = said.sources, said.origin

    def _read_ledger(self) -> None:
        """Read new entries, and earlier ones whose bodies were withheld until now."""
        while True:
            answer = self._reader.get("ledger", "entries", **{"from": self.log.size + 1, "limit": PAGE})
            entries = [Publication.model_validate(data) for data in answer["entries"]]
            for entry in entries:
                self._read_entry(entry)
            self._compare_with_feeds(lambda entries=entries: self._feeds.take(entries))  # type: ignore[misc]  # bound now
            self._tell("ledger", self.log.size)
            if self.log.size >= answer["size"] or not answer["entries"]:
                break
        for position in self.log.due_bodies(datetime.now(UTC)):
            entry = Publication.model_validate(self._reader.get("ledger", f"entries/{position}"))
            for problem in self.log.fill(entry):
                self._find("ledger", "broken", entry.key, problem)

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
            self._find("ledger", "broken", "head", "no signature by a known key")
        elif signed != (head["size"], bytes.fromhex(head["root"])):
            self._find("ledger", "broken", "head", "the signed note does not match the head")
        elif self.log.root_at(head["size"]) != head["root"]:
            self._find("ledger", "broken", "head", f"the entries yield a different root for size {head['size']}")

    def _compare_with_feeds(self, compare: Callable[[], list[Mismatch]]) -> None:
        """Compare as far as the feeds may be read. Without a service's token, the report says that they were not."""
        if not self.report.sources_compared:
            return
        try:
            for found in compare():
                self._find(found.source, found.verdict, found.key, f"{found.place}: {found.detail}")
        except Refused:
            self.report.sources_compared = False

    def _check_sources(self) -> None:
        try:
            self._compare_marks()
        except Refused:
            self.report.sources_compared = False
            self._read_ledger()

    def _compare_marks(self) -> None:
        deadline = time.monotonic() + self._patience
        while True:
            told = self._reader.get("ledger", "sources")["sources"]
            marks = {(m["source"], m["lane"]): m["sequence"] for m in told}
            heads = {
                (source, lane): released
                for source in SOURCES
                for lane, released in self._reader.get(source, "releases/heads").items()
            }
            behind = [(*at, head, marks.get(at, 0)) for at, head in heads.items() if marks.get(at, 0) < head]
            if not behind or time.monotonic() > deadline:
                break
            time.sleep(0.3)
        for mark in told:
            if passed := mark.get("passed_over", 0):
                detail = f"the ledger skipped {passed} releases: of an unknown kind, or with keys of another source"
                self._find(mark["source"], "missing", f"{mark['source']}/{mark['lane']}", detail)
        for source, lane, released, taken in behind:
            self._find(source, "missing", f"{source}/{lane}", f"released {released}, but the ledger has {taken}")
        self._read_ledger()
        # Releases that the ledger has not recorded were reported above, lane by lane.
        taken_to = {at: min(head, marks.get(at, 0)) for at, head in heads.items()}
        allowed = timedelta(seconds=self._allowed)
        self._compare_with_feeds(lambda: self._feeds.settle(taken_to, datetime.now(UTC), allowed))

    def _check_channel(self, name: str, adapter: Adapter) -> None:
        mark = self._wait_for(name)
        suspects = self._compare(name, adapter)
        deadline = time.monotonic() + self._patience
        while suspects and time.monotonic() < deadline:
            time.sleep(0.3)
            self._read_ledger()
            suspects = self._compare(name, adapter)
        for finding in suspects:
            self.report.findings.append(self._classified(finding, name))
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
        deadline = time.monotonic() + self._patience
        while True:
            mark: Json = self._reader.get(name, "position")
            if mark["position"] >= self.log.size or time.monotonic() > deadline:
                return mark
            time.sleep(0.1)

    def _compare(self, name: str, adapter: Adapter) -> list[Finding]:
        expected = self._expected(adapter)
        shown = {change["key"]: change["document"] for change in self._changes(name) if change["document"] is not None}
        public = {key: row for key, row in expected.items() if is_listed(row["kind"])}
        suspects = []
        for key in sorted((public.keys() | shown.keys()) - self.log.unknown_keys):
            wanted = orjson.loads(public[key]["content"]) if key in public else None
            if wanted != shown.get(key):
                suspects.append(_difference(name, key, wanted, shown.get(key)))
        suspects.extend(self._compare_endpoints(name, public))
        suspects.extend(self._compare_unlisted(name, expected))
        self._tell(name, len(shown))
        return suspects

    def _expected(self, adapter: Adapter) -> dict[str, dict[str, Any]]:
        moment = datetime.now(UTC)
        self.log.turn_pages(moment)
        now = format_time(moment)
        rows = {}
        for key, entry in self.log.newest.items():
            if is_without_body(entry) or (self.log.withheld and not is_public(entry.kind)):
                continue
            try:
                row = document_row(adapter, entry)
            except Exception as error:  # noqa: BLE001  # parked by the channel; `_check_parked` reports it
                _log.debug("entry not projected", kind=entry.kind, position=entry.position, reason=type(error).__name__)
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
        """Compare some documents as people's addresses return them."""
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

    def _compare_unlisted(self, name: str, expected: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
        """Compare the digests of kinds that cannot be listed, such as cases, bucket by bucket.

        Where the ledger withholds bodies from this reader, private kinds cannot be compared.
        """
        shown = self._reader.get(name, "source")["digests"]["buckets"]
        for kind in UNLISTED:
            if self.log.withheld and not is_public(kind):
                continue
            lines = [
                DigestLine(row["key"], row["kind"], row["version"], row["position"], row["content_digest"])
                for row in expected.values()
                if row["kind"] == kind
            ]
            ours, theirs = digest_lines(lines).buckets.get(kind, {}), shown.get(kind, {})
            for bucket in sorted(ours.keys() | theirs.keys()):
                if ours.get(bucket) != theirs.get(bucket):
                    yield Finding(name, "different", f"{kind}:* bucket {bucket}", "digests differ")

    def _check_parked(self, name: str) -> None:
        for parked in self._reader.get(name, "parked")["parked"]:
            self._find(name, "missing", parked["key"], f"parked at {parked['position']}: {parked['reason']}")

    def _classified(self, finding: Finding, name: str) -> Finding:
        entry = self.log.newest.get(finding.key)
        position = self._reader.get(name, "position")["position"]
        if entry is not None and position < entry.position:
            age = (datetime.now(UTC) - entry.released_at).total_seconds()
            finding.verdict = "stale" if age <= self._allowed else finding.verdict
            finding.detail = f"{age:.0f} s behind; {finding.detail}"
        return finding


def _difference(name: str, key: str, wanted: Json | None, shown: Json | None) -> Finding:
    if shown is None:
        return Finding(name, "missing", key, "released but not shown")
    if wanted is None:
        return Finding(name, "orphan", key, "shown but not in force")
    paths = [difference["path"] for difference in differences(wanted, shown)]
    return Finding(name, "different", key, f"fields: {', '.join(paths)}")
