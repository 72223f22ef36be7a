"""Brings every proven version to another portal that takes JSON over HTTP: `tongyuan-client COUNTY --push PORTAL`.

`PUT PORTAL/<key>` with `{key, version, expires_at, body}` shows a version, `DELETE PORTAL/<key>?version=<n>` takes the
key away; both carry `Idempotency-Key: <key>/<version>`. The portal's answer is kept as a receipt: 2xx `shown` or
`gone`, 409 `newer` (it holds a newer version), another 4xx `refused`, which holds up no other key. 401, 403, 408, 425,
429, 5xx and silence are tried again until they pass, so a key's versions arrive in order. If we die before a receipt is
written, the same request is sent again with the same Idempotency-Key.
"""

import sqlite3
import sys
import time
from datetime import UTC, datetime
from typing import Any

import httpx

from tongyuan_client.reader import Event
from tongyuan_client.subscriber import RESET

KINDS = ("item", "guide")
AGAIN, NOT_THERE, NEWER, FAILED = frozenset({401, 403, 408, 425, 429}), (404, 410), 409, 500
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
MOST_ANSWER = 500
"""Characters of an answer that a receipt keeps."""
TABLE = """CREATE TABLE IF NOT EXISTS receipt (key TEXT PRIMARY KEY, version INTEGER, op TEXT, digest TEXT, state TEXT,
status INTEGER, answer TEXT, at TEXT, stale INTEGER NOT NULL DEFAULT 0)"""


class Portal:
    """Another portal, and what it has acknowledged: one receipt for each key, in a file of its own."""

    def __init__(self, http: httpx.Client, receipts: str) -> None:
        self._http, self._store = http, sqlite3.connect(receipts, isolation_level=None)
        self._store.execute(TABLE)

    def push(self, event: Event) -> None:
        """Bring one version over and keep the receipt; nothing for a version that has one, or for another kind."""
        if event.op == RESET:
            self._store.execute("UPDATE receipt SET stale = 1")
        elif event.key.partition(":")[0] in KINDS and not self._is_known(event):
            self._send(event.key, event.version, event)

    def remove_stale(self) -> None:
        """Take away what the county's feed, which has begun anew, no longer contains."""
        for key, version in self._store.execute(
            "SELECT key, version FROM receipt WHERE stale AND op = 'release'"
        ).fetchall():
            self._send(key, version, None)

    def close(self) -> None:
        self._store.close()
        self._http.close()

    def _is_known(self, event: Event) -> bool:
        found = self._store.execute("SELECT version FROM receipt WHERE key = ? AND NOT stale", (event.key,)).fetchone()
        return found is not None and found[0] >= event.version

    def _send(self, key: str, version: int, event: Event | None) -> None:
        entry = event.entry if event else {}
        if event is not None and event.op == "release":
            said = {"key": key, "version": version, "expires_at": entry.get("expires_at"), "body": event.body}
            answer, op, good = self._insist("PUT", key, version, json=said), "release", "shown"
        else:
            answer, op, good = self._insist("DELETE", key, version, params={"version": version}), "withdraw", "gone"
        accepted = answer.is_success or (op == "withdraw" and answer.status_code in NOT_THERE)
        state = good if accepted else "newer" if answer.status_code == NEWER else "refused"
        row = (key, version, op, entry.get("digest"), state, answer.status_code, answer.text[:MOST_ANSWER], _now())
        self._store.execute("INSERT OR REPLACE INTO receipt VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)", row)

    def _insist(self, method: str, key: str, version: int, **asked: Any) -> httpx.Response:
        named, pause = {"Idempotency-Key": f"{key}/{version}"}, FIRST_PAUSE
        while True:
            try:
                answer = self._http.request(method, f"/{key}", headers=named, **asked)
                if answer.status_code < FAILED and answer.status_code not in AGAIN:
                    return answer
                reason = f"answers {answer.status_code}"
            except httpx.HTTPError as error:
                reason = type(error).__name__
            sys.stderr.write(f"the portal does not take {key}/{version}: {reason}; again in {pause} s\n")
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


def _now() -> str:
    return datetime.now(UTC).isoformat()
