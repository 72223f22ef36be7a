"""Writes what has changed as a batch of the national exchange tables: `tongyuan-client COUNTY --exchange DIR`.

A run reads the ledger from where the last one ended, and makes one folder `DIR/<cd_batch>/`: a CSV file for each table,
and `manifest.json` with counts, SHA-256, what is incomplete and what was left out. Nothing new: no folder. A row says
I, U or D (`cd_operation`), and the version of an item has the same `row_guid` in every run. A run that died may be
followed by a batch with the same rows, with U for what never came, or with D for it: who inserts, replaces and deletes
by `task_code` and `task_handle_item` has what the county shows.
"""

import csv
import hashlib
import json
import os
import secrets
import sqlite3
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tongyuan_client.national import FAMILIES, Row, missing, names_of, row_guid, rows_of
from tongyuan_client.reader import Event

TABLES = (
    "CREATE TABLE IF NOT EXISTS current (key TEXT PRIMARY KEY, version INTEGER NOT NULL, body TEXT, ends TEXT)",
    "CREATE TABLE IF NOT EXISTS changed (code TEXT PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS sent (code TEXT, family TEXT, version INTEGER NOT NULL, PRIMARY KEY (code, family))",
)


class Exchange:
    """What the county shows now and what was handed over of it, in a file of its own."""

    def __init__(self, folder: Path | str, store: str, data_source: str) -> None:
        """`data_source`: the three characters by which the province knows this county's system."""
        self._folder, self._source = Path(folder), data_source
        self._store = sqlite3.connect(store, isolation_level=None)
        for statement in TABLES:
            self._store.execute(statement)

    def take(self, event: Event) -> None:
        """Note one version of an item or a guide; other kinds have no table here."""
        kind, _, code = event.key.partition(":")
        if kind not in ("item", "guide"):
            return
        shown = event.op == "release"
        body = json.dumps(event.body, ensure_ascii=False) if shown else None
        row = (event.key, event.version, body, event.entry.get("expires_at") if shown else None)
        self._store.execute("INSERT OR REPLACE INTO current VALUES (?, ?, ?, ?)", row)
        self._store.execute("INSERT OR IGNORE INTO changed VALUES (?)", (code,))

    def write(self) -> Path | None:
        """Write everything that has changed or ended as a batch; None if nothing has. Raises `OSError`."""
        self._end(datetime.now(UTC))
        codes = [code for (code,) in self._store.execute("SELECT code FROM changed ORDER BY code")]
        tables, left_out, sent, gone = self._batch(codes)
        # What may be handed over is written down first: if we die here, a later run takes it back where it must.
        self._store.executemany("INSERT OR REPLACE INTO sent VALUES (?, ?, ?)", sent)
        made = self._files(tables, left_out) if tables else None
        # If we die here, the same rows come again in another batch.
        self._store.executemany("DELETE FROM sent WHERE code = ? AND family = ?", gone)
        self._store.execute("DELETE FROM changed")
        return made

    def close(self) -> None:
        self._store.close()

    def _end(self, now: datetime) -> None:
        """Take away what is shown only until now."""
        dated = self._store.execute("SELECT key, ends FROM current WHERE ends IS NOT NULL").fetchall()
        for key in (key for key, ends in dated if datetime.fromisoformat(ends) <= now):
            self._store.execute("INSERT OR IGNORE INTO changed VALUES (?)", (key.partition(":")[2],))
            self._store.execute("UPDATE current SET body = NULL, ends = NULL WHERE key = ?", (key,))

    def _batch(self, codes: list[str]) -> tuple[dict[str, list[Row]], list[Any], list[Any], list[Any]]:
        """Return rows by table, what is left out, and what is then sent (code, family, version) and gone."""
        tables: dict[str, list[Row]] = defaultdict(list)
        left_out, sent, gone = list[Any](), list[Any](), list[Any]()
        envelope = {"cd_time": datetime.now(UTC).isoformat(), "cd_batch": secrets.token_hex(16)}
        said = {**envelope, "data_source": self._source}
        for code in codes:
            item_version, item = self._current(f"item:{code}")
            guide_version, guide = self._current(f"guide:{code}")
            family = FAMILIES.get(item["task_type"]) if item else None
            before = dict(self._store.execute("SELECT family, version FROM sent WHERE code = ?", (code,)).fetchall())
            for other in before.keys() - {family}:
                row = {"row_guid": row_guid(code, before[other]), **names_of(code), "task_version": str(before[other])}
                tables[f"up_task_{other}_basic"].append({**row, "cd_operation": "D", **said})
                gone.append((code, other))
            if item and family:
                # It rises with the item and with the guide: each changes the row.
                version = item_version + guide_version
                for table, row in rows_of(code, version, item, guide):
                    tables[table].append({**row, "cd_operation": "U" if family in before else "I", **said})
                sent.append((code, family, version))
            elif item:
                left_out.append({"code": code, "reason": f"task_type {item['task_type']} has no table here"})
        return tables, left_out, sent, gone

    def _current(self, key: str) -> tuple[int, Any]:
        found = self._store.execute("SELECT version, body FROM current WHERE key = ?", (key,)).fetchone()
        return (found[0], json.loads(found[1]) if found[1] else None) if found else (0, None)

    def _files(self, tables: dict[str, list[Row]], left_out: list[Any]) -> Path:
        batch = next(iter(tables.values()))[0]["cd_batch"]
        folder, unfinished = self._folder / batch, self._folder / f".{batch}"
        unfinished.mkdir(parents=True)
        files, incomplete = {}, []
        for table, rows in sorted(tables.items()):
            columns = list(dict.fromkeys(name for row in rows for name in row))
            file = unfinished / f"{table}.csv"
            with file.open("w", encoding="utf-8", newline="") as sink:
                writer = csv.DictWriter(sink, columns, restval="")
                writer.writeheader()
                writer.writerows(rows)
                sink.flush()
                os.fsync(sink.fileno())
            files[file.name] = {"rows": len(rows), "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
            incomplete += [
                {"table": table, "task_code": row["task_code"], "missing": lacks}
                for row in rows
                if row["cd_operation"] != "D" and (lacks := missing(table, row))
            ]
        told = {"cd_batch": batch, "files": files, "incomplete": incomplete, "left_out": left_out}
        (unfinished / "manifest.json").write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
        unfinished.rename(folder)
        return folder
