"""Does this county show the same on every channel, and only what it published? Read README.md beside this file."""

import argparse
import hashlib
import json
import sys
import time
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

CONTENT = ("key", "kind", "version", "op", "region", "effective_at", "expires_at", "body")
SOURCE, KINDS = ("key", "version", "position", "digest"), {"item", "guide", "application", "act"}


def need(condition, complaint):
    if not condition:
        raise ValueError(complaint)


def sha(data):
    return hashlib.sha256(data).digest()


def canonical(value):
    """RFC 8785, for JSON that has neither fractions nor keys beyond ASCII."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def tree(leaves, index=0):
    """Of RFC 6962, over leaf hashes: the root (MTH), and the proof that a leaf is under it (PATH)."""
    if len(leaves) < 2:
        return (leaves[0] if leaves else sha(b"")), []
    half = 1 << ((len(leaves) - 1).bit_length() - 1)
    (left, left_path), (right, right_path) = tree(leaves[:half], index), tree(leaves[half:], index - half)
    return sha(b"\x01" + left + right), [*left_path, right.hex()] if index < half else [*right_path, left.hex()]


class County:
    def __init__(self, base, vkeys):
        self.http, self.leaves, self.hashes = httpx.Client(base_url=base, timeout=30, trust_env=False), [], []
        self.acts = {}
        vkeys = vkeys or [key["vkey"] for key in self.json("/ledger/v1/keys")["keys"]]
        self.keys = [(vkey.split("+")[0], b64decode(vkey.split("+", 2)[2])) for vkey in vkeys]

    def raw(self, address, **params):
        return self.http.get(address, params=params).raise_for_status().content

    def json(self, address, **params):
        return json.loads(self.raw(address, **params))

    def opened(self, note):
        """Text of a C2SP signed note: at least one known key has signed it, and none of them wrongly."""
        (text, _, lines), signed = note.rpartition("\n\n"), 0
        for name, public, line in ((*key, line) for key in self.keys for line in lines.splitlines()):
            signature = b64decode(line.split(" ")[-1])
            if line.startswith(f"— {name} ") and signature[:4] == sha(name.encode() + b"\n" + public)[:4]:
                when = f"cosignature/v1\ntime {int.from_bytes(signature[4:12])}\n" if public[:1] == b"\x04" else ""
                Ed25519PublicKey.from_public_bytes(public[1:]).verify(signature[-64:], f"{when}{text}\n".encode())
                signed += not when
        need(signed, "no known key has signed the note")
        return text

    def check(self, size, root):
        need(size <= len(self.hashes), f"a head of {size} entries, but the ledger has {len(self.hashes)}")
        need(tree(self.hashes[:size])[0] == root, f"the first {size} leaves do not yield the signed root")

    def check_note(self, note):
        origin, size, root = self.opened(note).split("\n")[:3]
        need(origin in dict(self.keys), f"the checkpoint belongs to another log: {origin}")
        self.check(int(size), b64decode(root))

    def read(self, number, width):
        """A tile: leaves, each behind its length; their hashes; and the entries that they stand for."""
        name, above = f"{number % 1000:03}" + (f".p/{width}" if width < 256 else ""), number
        while above := above // 1000:
            name = f"x{above % 1000:03}/{name}"
        data, leaves, entries = self.raw(f"/ledger/v1/tile/entries/{name}"), [], []
        while data:
            end = 2 + int.from_bytes(data[:2])
            leaves, data = [*leaves, data[2:end]], data[end:]
        hashes = [sha(b"\x00" + leaf) for leaf in leaves]
        need(self.raw(f"/ledger/v1/tile/0/{name}") == b"".join(hashes), f"the leaves of tile {name} have wrong hashes")
        while short := width - len(entries):
            place = {"from": number * 256 + width - short + 1, "limit": short}
            entries += self.json("/ledger/v1/entries", **place)["entries"] or need(False, "entries are missing")
        for at, (leaf, entry) in enumerate(zip(map(json.loads, leaves), entries, strict=True), number * 256 + 1):
            need(leaf == {name: entry[name] for name in leaf} and leaf["position"] == at, f"entry {at} is not its leaf")
            content = [*CONTENT, "part_of"] if entry.get("part_of") else CONTENT
            digest = sha(canonical({name: entry[name] for name in content})).hex()
            self.acts[at] = entry.get("part_of")
            need(entry["body"] is None or digest == leaf["digest"], f"the body of entry {at} has a wrong digest")
        self.leaves, self.hashes = [*self.leaves, *map(json.loads, leaves)], self.hashes + hashes

    def ledger(self, least, patience=20):
        self.said, self.newest = self.json("/ledger/v1/statement")["note"], self.raw("/ledger/v1/checkpoint").decode()
        size = int(self.opened(self.newest).split("\n")[1])
        if size < least and patience:  # heads are signed every two seconds; a channel shows an entry by its own proof
            return time.sleep(1) or self.ledger(least, patience - 1)
        need(size >= least, f"a channel shows entry {least}, but the newest signed head ends at entry {size}")
        for first in range(0, size, 256):
            self.read(first // 256, min(256, size - first))
        self.check_note(self.newest)
        proof = self.json("/ledger/v1/proof/inclusion", position=size, size=size)["path"] if size else []
        need(proof == tree(self.hashes, size - 1)[1], "the proof of inclusion is wrong")
        self.kinds = {leaf["kind"] for leaf in self.leaves}
        more = "".join(f"\n? kind {one} is not known to this version: only counted" for one in self.kinds - KINDS)
        return f"{size} entries: bodies match digests, digests match leaves, leaves yield the signed root{more}"

    def statement(self):
        said = {"state_kinds": self.kinds - {"application"}, **json.loads(self.opened(self.said))}
        self.check(said["size"], bytes.fromhex(said["root"]))
        need(datetime.fromisoformat(said["expires_at"]) > datetime.now(UTC), "the newest head statement has expired")
        newest = {leaf["key"]: leaf for leaf in self.leaves[: said["size"]] if leaf["kind"] in said["state_kinds"]}
        states = [sha(b"\x00" + canonical({of: newest[key][of] for of in (*SOURCE, "op")})) for key in sorted(newest)]
        need(tree(states)[0].hex() == said["state_root"], "the signed state does not match the entries")
        return f"statement {said['sequence']} of {said['issued_at']}: still valid, and correct for {len(states)} keys"

    def shown(self, name):
        answer, marks = {"cursor": "0", "more": True}, []
        while answer["more"]:
            answer = self.json(f"/{name}/v1/changes", since=answer["cursor"], limit=500)
            marks += [change["document"]["source"] for change in answer["changes"] if change["document"]]
        return self.raw(f"/{name}/v1/checkpoint").decode(), marks

    def starts(self, leaf):
        """From when a version counts; one of a set counts no sooner than the act that completes its set."""
        own, act = max(leaf["recorded_at"], leaf["effective_at"] or ""), self.acts[leaf["position"]]
        done = [one["recorded_at"] for one in self.leaves if one["key"] == act] if act else [own]
        return max(own, *(done or ["9"]))

    def channel(self, name, note, marks):
        then = (datetime.now(UTC) - timedelta(seconds=60)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        due = {leaf["key"]: leaf for leaf in self.leaves if self.starts(leaf) < then}
        for mark in marks:
            leaf = self.leaves[mark["position"] - 1]
            need(mark == {field: leaf[field] for field in SOURCE}, f"{name} shows unpublished content: {mark}")
            old = due.get(leaf["key"], leaf)["version"] > leaf["version"] or (leaf["expires_at"] or "9") < then
            need(not old and leaf["op"] == "release", f"{name} shows content no longer in force: {mark}")
        self.check_note(note)
        names = {name for name, _ in self.keys if f"\n— {name} " in note}
        return f"{name}: {len(marks)} documents, each the newest of its key; head signed by {', '.join(sorted(names))}"


ask = argparse.ArgumentParser(description=__doc__)
ask.add_argument("base", help="address of the county, e.g. http://127.0.0.1:8080")
ask.add_argument("--key", action="append", help="verifier key from an independent source; default: the county's")
ask.add_argument("--remember", type=Path, help="file for the newest checkpoint, for the next run to compare")
given = ask.parse_args()
try:
    county = County(given.base, given.key)
    seen = {name: county.shown(name) for name in ("web", "mobile", "kiosk", "portal")}
    print("✓", county.ledger(max((mark["position"] for _, marks in seen.values() for mark in marks), default=0)))
    if given.remember and given.remember.exists():
        county.check_note(given.remember.read_text())
        print("✓ the history continues the remembered checkpoint")
    print("✓ " + county.statement(), *("\n✓ " + county.channel(name, *got) for name, got in seen.items()), sep="")
    if given.remember:
        given.remember.write_text(county.newest)
except (ValueError, LookupError, TypeError, AttributeError, InvalidSignature, httpx.HTTPError) as error:
    sys.exit(f"✗ {type(error).__name__} {error}")
