"""Request repairs through the channel's endpoints for operators: replay parked entries, repair single keys, and if
these are still wrong afterwards, rebuild the channel.

A page that differs while its document is equal is not repaired: the store is right, so the page is rendered by another
version, or something in front of the channel answers. The same applies when a rebuild found nothing to change.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
import orjson

from contracts.base import Json
from services.auditor import metrics
from services.auditor.model import ALL, FindingRow, Surface
from shared import log
from shared.errors import TongyuanError, UpstreamDown
from shared.feeds.upstream import remedy

RESTS = (30, 120, 480, 1_800)
"""Seconds before the next try, after the first, second … try that did not help."""

MOST = 1_000
"""Keys in one request for a repair. If more are wrong, the channel is rebuilt."""

NOTHING = "found nothing to change: something in front of the store answers, perhaps a cache"

KeysOf = Callable[[str], Iterable[str]]
"""Returns the ledger's keys in a bucket of the digests, `<kind> <bucket>`."""

REBUILD_SECONDS = httpx.Timeout(600, connect=3)
_log = log.get("auditor")


@dataclass
class Repair:
    """What was done for which findings, and why it did not help, if that is known."""

    name: str | None
    findings: Sequence[FindingRow] = field(default_factory=list)
    problem: str | None = None


class Repairer:
    """Requests repairs of one channel, with the right to do so."""

    def __init__(self, name: str, http: httpx.Client) -> None:
        self.name, self._http = name, http

    def repair(self, findings: Sequence[FindingRow], now: datetime, keys_of: KeysOf) -> list[Repair]:
        """Try to repair the findings that are due."""
        due = [finding for finding in findings if is_due(finding, now) and finding.key != ALL]
        stored = {_code(finding) for finding in findings if finding.surface != Surface.PAGE}
        shown_wrong = [one for one in due if one.surface == Surface.PAGE and _code(one) not in stored]
        done = [
            Repair(
                None,
                shown_wrong,
                "the document is correct: another version, or something in front of the store, renders the page",
            )
        ]
        rest = [finding for finding in due if finding not in shown_wrong]
        if rest:
            done += self._try(rest, keys_of)
        return [repair for repair in done if repair.findings]

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _try(self, findings: list[FindingRow], keys_of: KeysOf) -> list[Repair]:
        step = "replay"
        try:
            replayed = self._replay(findings)
            left = [finding for finding in findings if all(finding not in repair.findings for repair in replayed)]
            if not left:
                return replayed
            # All findings take one step together, since a rebuild also repairs new ones.
            step = "repair" if all(finding.repair is None for finding in left) else "rebuild"
            keys, buckets = _targets(left, keys_of)
            if step == "repair" and len(keys) <= MOST:
                return [*replayed, self._repair(left, keys, buckets)]
            step = "rebuild"
            return [*replayed, self._rebuild(left)]
        except (TongyuanError, httpx.HTTPError, ValueError) as error:
            metrics.repairs.labels(self.name, step, "failed").inc()
            return [Repair(step, findings, f"{type(error).__name__}: {error}")]

    def _replay(self, findings: list[FindingRow]) -> list[Repair]:
        """Replay parked entries first: a rebuild does not unpark them."""
        parked = {one["key"]: one for one in self._asked("GET", "parked").json()["parked"]}
        done = []
        for key in sorted({finding.key for finding in findings} & parked.keys()):
            answer = self._asked("POST", f"parked/{int(parked[key]['position'])}/replay", refused=True)
            metrics.repairs.labels(self.name, "replay", "done" if answer.is_success else "refused").inc()
            problem = None if answer.is_success else f"parked: {parked[key]['reason']}"
            done.append(Repair("replay", [finding for finding in findings if finding.key == key], problem))
        return done

    def _repair(self, findings: list[FindingRow], keys: list[str], buckets: list[str]) -> Repair:
        wanted = {"keys": keys, "buckets": buckets}
        with self._http.stream("POST", f"/{self.name}/v1/repair", json=wanted, timeout=REBUILD_SECONDS) as answer:
            answer.read()
        if not answer.is_success:
            raise UpstreamDown(f"repair: status {answer.status_code}{remedy(answer)}")
        changed = answer.json()["changed"]
        metrics.repairs.labels(self.name, "repair", "done" if changed else "unchanged").inc()
        _log.warning("repaired", channel=self.name, differed=len(changed), findings=len(findings))
        return Repair("repair", findings, None if changed else f"a repair {NOTHING}")

    def _rebuild(self, findings: list[FindingRow]) -> Repair:
        last: Json = {}
        with self._http.stream("POST", f"/{self.name}/v1/rebuild", timeout=REBUILD_SECONDS) as answer:
            if not answer.is_success:
                answer.read()
                raise UpstreamDown(f"rebuild: status {answer.status_code}{remedy(answer)}")
            for line in answer.iter_lines():
                last = orjson.loads(line)
        done = bool(last.get("done"))
        metrics.repairs.labels(self.name, "rebuild", "done" if done else "refused").inc()
        if not done:
            return Repair("rebuild", findings, f"not rebuilt: {last.get('failed', 'no answer')}")
        differed = len(last.get("differences", ()))
        _log.warning("rebuilt", channel=self.name, differed=differed, findings=len(findings))
        return Repair("rebuild", findings, None if differed else f"a rebuild {NOTHING}")

    def _asked(self, method: str, path: str, *, refused: bool = False) -> httpx.Response:
        answer = self._http.request(method, f"/{self.name}/v1/{path}")
        if not answer.is_success and not (refused and answer.is_client_error):
            raise UpstreamDown(f"{path}: status {answer.status_code}{remedy(answer)}")
        return answer


def is_due(finding: FindingRow, now: datetime) -> bool:
    """Return whether to try now: at first, again after a repair of single keys, and later after a pause."""
    if finding.tried_at is None or (finding.repair == "repair" and finding.attempts == 1):
        return True
    rest = RESTS[min(finding.attempts, len(RESTS)) - 1]
    return now - datetime.fromisoformat(finding.tried_at) >= timedelta(seconds=rest)


def _targets(findings: Iterable[FindingRow], keys_of: KeysOf) -> tuple[list[str], list[str]]:
    """Return the keys to repair, and the buckets of the digests whose keys are not known individually."""
    buckets = {finding.key for finding in findings if finding.surface == Surface.DIGESTS}
    keys = {finding.key for finding in findings if finding.surface != Surface.DIGESTS}
    return sorted(keys.union(*map(keys_of, buckets))), sorted(buckets)


def _code(finding: FindingRow) -> str:
    return finding.key.partition(":")[2]
