"""An invented county: a ledger of a few entries as a case lists them, and the messages that tell of it."""

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from contracts.base import Json, format_time
from contracts.conformance import signing
from contracts.conformance.merkle import inclusion_path, leaf_hash, tree_root
from contracts.envelope.event import HEAD_TYPE

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
REGION = signing.ORIGIN.partition("/")[2]
BODIES = Path(__file__).parents[1] / "examples" / "bodies"
SOURCES = {"item": "catalog", "guide": "guides", "application": "applications", "act": "catalog"}
FILES = {"application": "case-progress"}
WORDS = {"release": "released", "withdraw": "withdrawn"}
CONTENT = ("key", "kind", "version", "op", "region", "effective_at", "expires_at", "body")
OUTSIDE_THE_LEAF = frozenset(
    {"source", "lane", "sequence", "body", "part_of", "traceparent", "source_signature", "no_body", "withheld_until"}
)
_ENTRY = re.compile(r"(?P<kind>[a-z]+):(?P<name>[0-9A-Za-z_-]+)@(?P<version>\d+)( (?P<op>[a-z]+))?")
_OFFSET = re.compile(r"([+-])(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class UnclearCase(ValueError):
    """A case cannot be understood: the message says where and why."""


def moment(text: str) -> str:
    """Return the time of an offset from the case's beginning, such as `+2h`. Raises `UnclearCase`."""
    found = _OFFSET.fullmatch(text)
    if found is None:
        raise UnclearCase(f"{text!r} is not an offset such as +2h")
    sign, number, unit = found.groups()
    return format_time(NOW + (1 if sign == "+" else -1) * timedelta(**{_UNITS[unit]: int(number)}))


@dataclass
class Ledger:
    """Entries in order of position, as a case lists them: `item:A@2 withdraw`, or an object with more about it."""

    listed: list[Any]
    entries: list[Json] = field(init=False)
    leaves: list[bytes] = field(init=False)
    bodies: dict[int, Json | None] = field(init=False)
    """Bodies that a withheld or erased entry had, by position."""

    def __post_init__(self) -> None:
        self.entries, self.leaves, self.bodies = [], [], {}
        for position, one in enumerate(self.listed, 1):
            entry = _entry(position, one if isinstance(one, dict) else {"entry": one})
            hidden = entry.pop("hidden")
            self.bodies[position] = entry["body"]
            leaf = {name: value for name, value in entry.items() if name not in OUTSIDE_THE_LEAF}
            self.leaves.append(leaf_hash(signing.canonical({**leaf})))
            self.entries.append(entry | hidden)

    def entry(self, position: int, tree: int, signers: list[str], origin: str, *, whole: bool = False) -> Json:
        """Return an entry with its proof in the tree of `tree` entries. `whole`: with the body that was withheld."""
        if not 1 <= position <= tree <= len(self.entries):
            raise UnclearCase(f"no entry {position} in a tree of {tree}; the ledger has {len(self.entries)}")
        leaves = self.leaves[:tree]
        signed = signing.checkpoint(tree, tree_root(leaves), signers, origin)
        entry: Json = json.loads(json.dumps(self.entries[position - 1]))
        if whole:
            entry = {**entry, "body": self.bodies[position]}
            entry = {name: value for name, value in entry.items() if name not in ("no_body", "withheld_until")}
        return entry | {"proof": signing.proof(position - 1, inclusion_path(leaves, position - 1), signed)}

    def head(self, size: int, signers: list[str], origin: str, statement: Json | None) -> Json:
        """Return a head. `statement`: sequence, and offsets of issued_at and expires_at."""
        root = tree_root(self.leaves[:size])
        head = {
            "size": size,
            "root": root.hex(),
            "time": format_time(NOW),
            "checkpoint": signing.checkpoint(size, root, signers, origin),
        }
        if statement is None:
            return head
        signers = statement.get("sign", signers)
        facts = {
            "sequence": statement.get("sequence", 1),
            "size": statement.get("size", size),
            "root": tree_root(self.leaves[: statement.get("size", size)]).hex(),
            "issued_at": moment(statement.get("issued", "+0s")),
            "expires_at": moment(statement.get("expires", "+1m")),
        }
        return head | {"statement": signing.statement(facts, signers, statement.get("origin", origin))}


def event_of(entry: Json) -> Json:
    """Return the event that carries an entry."""
    return {
        "specversion": "1.0",
        "id": f"{entry['key']}/{entry['version']}",
        "source": "/tongyuan/ledger",
        "type": f"tongyuan.{entry['kind']}.{WORDS.get(entry['op'], entry['op'])}",
        "subject": entry["key"],
        "time": entry["released_at"],
        "datacontenttype": "application/json",
        "sequence": str(entry["position"]),
        "data": entry,
    }


def head_event(head: Json) -> Json:
    """Return the event that carries a head."""
    return {
        "specversion": "1.0",
        "id": f"head/{head['size']}/{head['time']}",
        "source": "/tongyuan/ledger",
        "type": HEAD_TYPE,
        "time": head["time"],
        "datacontenttype": "application/json",
        "sequence": str(head["size"]),
        "data": head,
    }


def _entry(position: int, one: Json) -> Json:
    found = _ENTRY.fullmatch(one["entry"])
    if found is None:
        raise UnclearCase(f"{one['entry']!r} is not an entry such as `item:A@2 withdraw`")
    kind, op, version = found["kind"], found["op"] or "release", int(found["version"])
    body = None if op == "withdraw" else _body(kind) | {"_": f"{found['name']}@{version}"} | one.get("body", {})
    recorded = format_time(NOW - timedelta(days=1) + timedelta(seconds=position))
    entry: Json = {
        "source": SOURCES.get(kind, "catalog"),
        "lane": "live",
        "sequence": position,
        "key": f"{kind}:{found['name']}",
        "kind": kind,
        "version": version,
        "op": op,
        "region": REGION,
        "effective_at": moment(one["effective"]) if "effective" in one else None,
        "expires_at": None,
        "released_at": recorded,
        "body": body,
        "part_of": one.get("part_of"),
        "traceparent": None,
        "source_signature": None,
        "position": position,
        "recorded_at": recorded,
    }
    content = {name: entry[name] for name in (*CONTENT, "part_of") if name != "part_of" or entry[name]}
    entry["digest"] = hashlib.sha256(signing.canonical(content)).hexdigest()
    return entry | {"hidden": _hidden(one, op)}


def _hidden(one: Json, op: str) -> Json:
    """Return the members that replace a body, as anybody reads the entry."""
    if op == "withdraw":
        return {"no_body": "withdrawn"}
    if "no_body" not in one:
        return {}
    until = {"withheld_until": moment(one["until"]) if "until" in one else None}
    return {"body": None, "no_body": one["no_body"]} | (until if one["no_body"] == "withheld" else {})


@cache
def _example(kind: str) -> str:
    file = BODIES / f"{FILES.get(kind, kind)}.json"
    return file.read_text(encoding="utf-8") if file.exists() else '{"name": "示例"}'


def _body(kind: str) -> Json:
    body: Json = json.loads(_example(kind))
    return body
