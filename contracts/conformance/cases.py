"""Cases as YAML, and the commands and expectations that they stand for."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from contracts.base import Json, format_time
from contracts.conformance import signing, spoiling
from contracts.conformance.county import NOW, Ledger, UnclearCase, event_of, head_event, moment

FOLDER = Path(__file__).parent / "cases"
LEVELS = (1, 2)
INPUTS = ("open", "event", "head", "raw", "page", "entry", "keys", "time", "restart")
EXPECTED = ("deliver", "ask", "parked", "refused", "reset", "halted", "stale", "position")
LISTS = ("deliver", "ask", "parked", "refused")
_MODIFIERS = ("from", "tree", "sign", "origin", "spoil", "at", "set", "drop", "size", "statement", "whole")
_PARTS = {"name", "level", "rule", "ledger", "fork", "trust", "origin", "steps"}


@dataclass(frozen=True)
class Step:
    """One command, and what the answer must say of it. `told`: the step in the words of the case."""

    told: str
    command: Json
    expected: Json


@dataclass
class Case:
    """One case. `trust`: names of the keys that the reader pins."""

    name: str
    level: int
    rule: str
    trust: list[str]
    origin: str
    ledgers: dict[str, Ledger]
    steps: list[Step] = field(default_factory=list)

    def begin(self) -> Json:
        """Return the command with which the case begins."""
        keys = [signing.vkey(name, self.origin) for name in self.trust]
        return {"cmd": "case", "name": self.name, "level": self.level, "keys": keys, "now": format_time(NOW)}


def load(folder: Path = FOLDER) -> list[Case]:
    """Return all cases in order of files. Raises `UnclearCase` with the case's name."""
    cases = [case for file in sorted(folder.glob("*.yaml")) for case in _read(file)]
    names = [case.name for case in cases]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UnclearCase(f"these names are used twice: {', '.join(twice)}")
    return cases


def _read(file: Path) -> Iterator[Case]:
    for given in yaml.safe_load(file.read_text(encoding="utf-8")):
        try:
            yield _case(given)
        except (KeyError, TypeError, ValueError) as error:
            raise UnclearCase(f"{file.name}: {given.get('name')}: {error!r}") from error


def _case(given: Json) -> Case:
    if unknown := given.keys() - _PARTS:
        raise UnclearCase(f"unknown parts: {', '.join(sorted(unknown))}")
    if given["level"] not in LEVELS:
        raise UnclearCase(f"level {given['level']} is none of {LEVELS}")
    ledgers: dict[str, Ledger] = {name: Ledger(given[name]) for name in ("ledger", "fork") if name in given}
    origin = given.get("origin", signing.ORIGIN)
    case = Case(given["name"], given["level"], given["rule"], given.get("trust", ["k1"]), origin, ledgers)
    case.steps += [_step(case, one) for one in given["steps"]]
    return case


def _step(case: Case, given: Json) -> Step:
    names = [name for name in INPUTS if name in given]
    unknown = given.keys() - {*INPUTS, *EXPECTED, *_MODIFIERS}
    if len(names) != 1 or unknown:
        raise UnclearCase(f"a step is one of {INPUTS}, got {names}; unknown: {sorted(unknown)}")
    command = {"cmd": names[0]} | _COMMANDS[names[0]](case, given)
    if command["cmd"] in ("head", "raw"):
        command["cmd"] = "event"
    expected = {name: given.get(name, [] if name in LISTS else False) for name in EXPECTED if name != "position"}
    expected["deliver"] = [_delivery(case, one) for one in expected["deliver"]]
    expected["ask"] = [_ask(one) for one in expected["ask"]]
    if "position" in given:
        expected["position"] = given["position"]
    told = f"{names[0]} {given[names[0]]}" + "".join(f", {name} {given[name]}" for name in _MODIFIERS if name in given)
    return Step(told, command, expected)


def _open(case: Case, given: Json) -> Json:
    said = given["open"] or {}
    size = said.get("size", len(case.ledgers["ledger"].entries))
    return {"epoch": said.get("epoch", "e1"), "size": size, "recovered": said.get("recovered", False)}


def _event(case: Case, given: Json) -> Json:
    event = event_of(_entry(case, given, given["event"], given["event"]))
    return {"event": _edited(event, given)}


def _head(case: Case, given: Json) -> Json:
    ledger, said = case.ledgers[given.get("from", "ledger")], given.get("statement")
    head = ledger.head(given["head"], given.get("sign", ["k1"]), given.get("origin", case.origin), said)
    if "spoil" in given:
        head = spoiling.HEAD[given["spoil"]](head)
    return {"event": _edited(head_event(head), given)}


def _raw(_case: Case, given: Json) -> Json:
    return {"raw": given["raw"]}


def _page(case: Case, given: Json) -> Json:
    if given["page"] == "nothing":
        return {"entries": [], "size": given["size"]}
    wanted = given["page"] if isinstance(given["page"], list) else _run(str(given["page"]))
    tree = given.get("tree", len(case.ledgers[given.get("from", "ledger")].entries))
    entries = [_entry(case, given, position, tree) for position in wanted]
    return {"entries": entries, "size": given.get("size", max([tree, *wanted]))}


def _one(case: Case, given: Json) -> Json:
    tree = len(case.ledgers[given.get("from", "ledger")].entries)
    return {"entry": _edited({"entry": _entry(case, given, given["entry"], tree)}, given)["entry"]}


def _keys(case: Case, given: Json) -> Json:
    return {"keys": [_listed(one, given.get("origin", case.origin)) for one in given["keys"]]}


def _time(_case: Case, given: Json) -> Json:
    return {"now": moment(given["time"])}


def _restart(_case: Case, _given: Json) -> Json:
    return {}


_COMMANDS = {
    "open": _open,
    "event": _event,
    "head": _head,
    "raw": _raw,
    "page": _page,
    "entry": _one,
    "keys": _keys,
    "time": _time,
    "restart": _restart,
}


def _entry(case: Case, given: Json, position: int, tree: int) -> Json:
    ledger = case.ledgers[given.get("from", "ledger")]
    signers, origin = given.get("sign", ["k1"]), given.get("origin", case.origin)
    entry = ledger.entry(position, given.get("tree", tree), signers, origin, whole=given.get("whole", False))
    if "spoil" in given and position == given.get("at", position):
        entry = spoiling.ENTRY[given["spoil"]](entry)
    return entry


def _edited(message: Json, given: Json) -> Json:
    """Set and drop members by dotted path."""
    for path, value in given.get("set", {}).items():
        *above, last = path.split(".")
        _inside(message, above)[last] = value
    for path in given.get("drop", []):
        *above, last = path.split(".")
        del _inside(message, above)[last]
    return message


def _inside(message: Json, path: list[str]) -> Json:
    for name in path:
        message = message[name]
    return message


def _run(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def _delivery(case: Case, text: str) -> Json:
    """`item:A@2`, `item:A@2 withdraw` or `item:A@2 erase`; a release comes with its whole body."""
    name, _, op = text.partition(" ")
    key, _, version = name.partition("@")
    wanted = {"key": key, "version": int(version), "op": op or "release", "body": None}
    if wanted["op"] != "release":
        return wanted
    for ledger in case.ledgers.values():
        for entry in ledger.entries:
            if (entry["key"], entry["version"]) == (key, wanted["version"]):
                return wanted | {"body": ledger.bodies[entry["position"]]}
    raise UnclearCase(f"{text} is in no ledger of the case")


def _ask(text: str) -> Json:
    """`entries 3`, `entry 2` or `keys`."""
    what, _, position = text.partition(" ")
    return {"what": what} | ({"position": int(position)} if position else {})


def _listed(text: str, origin: str) -> Json:
    """`k2`, `k2 by k1` (endorsed), `k1 until +1h`: a key as the county lists it."""
    name, *words = text.split(" ")
    said = dict(zip(words[::2], words[1::2], strict=True))
    by: Any = said.get("by")
    return {
        "key_id": signing.key_id(name, origin).hex(),
        "name": origin,
        "algorithm": "Ed25519",
        "public_key": signing.public_key(said.get("with", name)).hex(),
        "vkey": signing.vkey(name, origin),
        "signs_until": moment(said["until"]) if "until" in said else None,
        "endorsement": signing.endorsement(said.get("for", name), by, format_time(NOW), origin) if by else None,
    }
