"""Exchange tables as a folder of CSV files, one per table, with `manifest.json`: SHA-256 and number of rows of each.

CSV is UTF-8 with a header. An empty cell is NULL.
"""

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import orjson

from contracts.base import Json
from services.exchange.tables.definitions import TABLES, Row, Tables
from shared.atomic_file import write_atomically
from shared.errors import Invalid, Violation

MANIFEST = "manifest.json"
LARGEST_CELL = 10_000_000


def read_folder(folder: Path, names: Iterable[str]) -> Tables:
    """Read the files of these tables that the folder has; if it has a manifest, they must be as it says.

    Raises `Invalid` with file and remedy, and `OSError`.
    """
    files = {name: path for name in names if (path := folder / f"{name}.csv").is_file()}
    stated = _manifest(folder)
    tables: Tables = {}
    for name, path in files.items():
        content = path.read_bytes()
        tables[name] = parse_csv(path.name, content)
        if stated is not None:
            _require_as_stated(path.name, content, len(tables[name]), stated)
    if stated is not None and (missing := sorted(set(stated) - {path.name for path in folder.glob("*.csv")})):
        raise Invalid(Violation(missing[0], "file-missing", "is in manifest.json, not in the folder: copy it again"))
    return tables


def parse_csv(file: str, content: bytes) -> list[Row]:
    """Return the rows of one file. Raises `Invalid`."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid(Violation(file, "utf-8", f"is not UTF-8 at byte {error.start}: export it as UTF-8")) from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    before = csv.field_size_limit(LARGEST_CELL)
    try:
        for number, row in enumerate(reader, start=2):
            if None in row or None in row.values():
                message = f"row {number} has another number of cells than the header: export the table again"
                raise Invalid(Violation(file, "cells", message))
            rows.append({name.strip().lower(): value if value != "" else None for name, value in row.items()})
    except csv.Error as error:
        raise Invalid(Violation(file, "csv", f"line {reader.line_num}: {error}; export the table again")) from None
    finally:
        csv.field_size_limit(before)  # It is the whole process's, and others rely on it.
    return rows


def write_folder(folder: Path, tables: Mapping[str, Sequence[Row]], facts: Json) -> Json:
    """Write a file per table and then the manifest; return the manifest. `facts`: its other members.

    The folder must be new or empty, so that no file of another batch is taken for one of this. Raises `Invalid`.
    """
    if folder.exists() and any(folder.iterdir()):
        raise Invalid(Violation(str(folder), "empty-folder", "has files: name a new folder for each batch"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # Cases name persons.
    files: Json = {}
    for name, rows in tables.items():
        content = to_csv(name, rows)
        path = folder / f"{name}.csv"
        path.write_bytes(content)
        files[path.name] = {"sha256": hashlib.sha256(content).hexdigest(), "rows": len(rows)}
    manifest = {**facts, "files": files}
    # Last: a folder without a manifest is a batch that was not finished.
    write_atomically(folder / MANIFEST, orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    return manifest


def to_csv(table: str, rows: Sequence[Row]) -> bytes:
    """Return a table's rows as CSV, with all of its columns."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, TABLES[table].columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: "" if value is None else value for name, value in row.items()} for row in rows)
    return out.getvalue().encode()


def _manifest(folder: Path) -> Json | None:
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        files: Json = orjson.loads(path.read_bytes())["files"]
        return {str(name): {"sha256": one["sha256"], "rows": one["rows"]} for name, one in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Invalid(
            Violation(MANIFEST, "manifest", "must have `files` with sha256 and rows of each: copy it again")
        ) from None


def _require_as_stated(file: str, content: bytes, rows: int, stated: Json) -> None:
    said = stated.get(file)
    if said is None:
        raise Invalid(Violation(file, "in-manifest", "is not in manifest.json: remove it, or send a new manifest"))
    if said["sha256"] != hashlib.sha256(content).hexdigest() or said["rows"] != rows:
        message = f"has {rows} rows or a SHA-256 other than manifest.json says: copy the batch again"
        raise Invalid(Violation(file, "sha256", message))
