"""Ways to spoil a message, by name. A case says which; what a reader must answer is in the case."""

import base64
from collections.abc import Callable

from contracts.base import Json
from contracts.conformance import signing

Spoil = Callable[[Json], Json]
"""Returns the spoilt copy of an entry, or of a head."""


def _flipped(encoded: str) -> str:
    raw = bytearray(base64.b64decode(encoded))
    raw[-1] ^= 1
    return base64.b64encode(bytes(raw)).decode()


def _last_line(note: str, change: Callable[[str], str]) -> str:
    """Change the base64 of the last signature line."""
    head, _, encoded = note.removesuffix("\n").rpartition(" ")
    return f"{head} {change(encoded)}\n"


def _step(change: Callable[[str], str]) -> Spoil:
    """Change the first step of the path."""

    def spoil(entry: Json) -> Json:
        lines = entry["proof"].split("\n")
        lines[2] = change(lines[2])
        return entry | {"proof": "\n".join(lines)}

    return spoil


def _other_spelling(encoded: str) -> str:
    """Return another base64 text of the same bytes: the last character has two unused bits."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    body = encoded.rstrip("=")
    return body[:-1] + alphabet[alphabet.index(body[-1]) + 1] + encoded[len(body) :]


def _path(cut: Callable[[list[str]], list[str]]) -> Spoil:
    def spoil(entry: Json) -> Json:
        head, _, note = entry["proof"].partition("\n\n")
        first, index, *path = head.split("\n")
        return entry | {"proof": "\n".join([first, index, *cut(path)]) + f"\n\n{note}"}

    return spoil


def _index(entry: Json) -> Json:
    lines = entry["proof"].split("\n")
    lines[1] = f"index {entry['position']}"
    return entry | {"proof": "\n".join(lines)}


def _body(entry: Json) -> Json:
    return entry | {"body": entry["body"] | {"_": "altered on the way"}}


def _unsigned(note: str) -> str:
    return note.rpartition("\n\n")[0] + "\n\n"


def _wrong_beside_good(note: str) -> str:
    """Add a wrong signature of the key k2."""
    raw = signing.key_id("k2") + bytes(64)
    return f"{note}— {signing.ORIGIN} {base64.b64encode(raw).decode()}\n"


ENTRY: dict[str, Spoil] = {
    "body": _body,
    "body of another version": lambda entry: entry | {"body": entry["body"] | {"_": "A@9"}},
    "digest": lambda entry: entry | {"digest": entry["digest"][::-1]},
    "end": lambda entry: entry | {"expires_at": "2030-01-01T00:00:00.000000Z"},
    "time of recording": lambda entry: entry | {"recorded_at": "2026-02-01T00:00:00.000000Z"},
    "withdrawn": lambda entry: entry | {"op": "withdraw", "body": None, "no_body": "withdrawn"},
    "erased": lambda entry: entry | {"op": "release", "body": None, "no_body": "erased", "version": 9},
    "no proof": lambda entry: {name: value for name, value in entry.items() if name != "proof"},
    "path": _step(_flipped),
    "spelling of the path": _step(_other_spelling),
    "path too short": _path(lambda path: path[:-1]),
    "path too long": _path(lambda path: [*path, path[-1]]),
    "extra line": _path(lambda path: [f"extra {path[0]}", *path]),
    "index": _index,
    "signature": lambda entry: entry | {"proof": _last_line(entry["proof"], _flipped)},
    "no signature": lambda entry: entry | {"proof": _unsigned(entry["proof"])},
    "wrong signature beside a good one": lambda entry: entry | {"proof": _wrong_beside_good(entry["proof"])},
}

HEAD: dict[str, Spoil] = {
    "size": lambda head: head | {"size": head["size"] + 1},
    "root": lambda head: head | {"root": head["root"][::-1]},
    "signature": lambda head: head | {"checkpoint": _last_line(head["checkpoint"], _flipped)},
    "no signature": lambda head: head | {"checkpoint": _unsigned(head["checkpoint"])},
    "statement": lambda head: head | {"statement": _last_line(head["statement"], _flipped)},
}
