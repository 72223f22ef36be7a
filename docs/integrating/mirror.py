"""A copy of all that a channel shows, in one SQLite file, exact at every moment. Read mirror.md beside this file."""

import argparse
import gzip
import hashlib
import json
import sqlite3
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager

KINDS = ("item", "guide")
TABLES = """
CREATE TABLE IF NOT EXISTS document (
  copy INTEGER, key TEXT, version INTEGER, position INTEGER, content TEXT, PRIMARY KEY (copy, key)
);
CREATE TABLE IF NOT EXISTS place (copy INTEGER PRIMARY KEY, cursor TEXT, whole INTEGER, etag TEXT);
"""


def canonical(value):
    """RFC 8785, for JSON that has neither fractions nor keys beyond ASCII: the very text that the channel served."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def bucket_digests(documents):
    """{(kind, bucket): digest} of documents (key, version, position, content), in order of keys."""
    lines = {}
    for key, version, position, content in documents:
        bucket = key.partition(":")[0], sha(key)[:2]
        lines[bucket] = lines.get(bucket, "") + f"{key} {version} {position} {sha(content)}\n"
    return {bucket: sha(text) for bucket, text in lines.items()}


def over_http(base):
    """get(path, etag) → (status, etag, body). Raises OSError, EOFError or HTTPException when the line is cut."""

    def get(path, etag=None):
        headers = {"Accept-Encoding": "gzip", **({"If-None-Match": etag} if etag else {})}
        try:
            answer = urllib.request.urlopen(urllib.request.Request(base + path, headers=headers), timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            body = answer.read()
            packed = answer.headers.get("Content-Encoding") == "gzip"
            return answer.status, answer.headers.get("ETag"), gzip.decompress(body) if packed else body

    return get


class Mirror:
    """`get` as `over_http` makes it. Whatever raises, at whatever moment: `sync` goes on where this one was."""

    def __init__(self, file, get, limit=500):
        self.get, self.limit = get, limit
        self.db = sqlite3.connect(file, isolation_level=None)
        self.db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + TABLES)

    @contextmanager
    def transaction(self):
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def sync(self):
        """Take what has changed; how many changes."""
        taken = 0
        while True:
            copy, cursor, whole, etag = self._place()
            status, tag, body = self.get(f"/v1/changes?since={cursor}&limit={self.limit}", etag)
            if status == 304:
                return taken
            if status == 410:
                self._start_over()
                continue
            if status != 200:
                raise OSError(f"status {status}")
            page = json.loads(body)
            self._take(copy, page, whole, tag if page["cursor"] == cursor else None)
            taken += len(page["changes"])
            if not page["more"]:
                return taken

    def documents(self):
        """(key, version, position, content) of the newest whole copy, in order of keys."""
        newest = "SELECT max(copy) FROM place WHERE whole"
        query = f"SELECT key, version, position, content FROM document WHERE copy = ({newest}) ORDER BY key"
        return self.db.execute(query).fetchall()

    def differences(self, patience=5):
        """{"altered" | "missing" | "orphan": [key]} of this copy against the channel's digests; it syncs first."""
        for _ in range(patience):
            self.sync()
            source = json.loads(self._need("/v1/source"))
            if source["cursor"] == self._place()[1]:
                break
        else:
            raise OSError("the channel changes continuously: try again")
        theirs = source["digests"]["buckets"]
        wanted = {(kind, bucket): digest for kind in KINDS for bucket, digest in theirs.get(kind, {}).items()}
        ours = bucket_digests(self.documents())
        found = {"altered": [], "missing": [], "orphan": []}
        for kind, bucket in sorted(wanted.keys() | ours.keys()):
            if wanted.get((kind, bucket)) != ours.get((kind, bucket)):
                self._compare(kind, bucket, found)
        return found

    def repair(self, found):
        """Fetch anew what `differences` found, and drop what nobody shows."""
        for key in [*found["altered"], *found["missing"]]:
            kind, _, code = key.partition(":")
            content = canonical(json.loads(self._need(f"/v1/{kind}s/{code}")))
            source = json.loads(content)["source"]
            with self.transaction():
                self._put(self._place()[0], key, source["version"], source["position"], content)
        with self.transaction():
            for key in found["orphan"]:
                self.db.execute("DELETE FROM document WHERE copy = ? AND key = ?", (self._place()[0], key))

    def _compare(self, kind, bucket, found):
        lines = json.loads(self._need(f"/v1/source/{kind}/{bucket}"))["lines"]
        wanted = {one["key"]: (one["version"], one["position"], one["content_digest"]) for one in lines}
        ours = {
            key: (version, position, sha(content))
            for key, version, position, content in self.documents()
            if (key.partition(":")[0], sha(key)[:2]) == (kind, bucket)
        }
        found["missing"] += sorted(wanted.keys() - ours.keys())
        found["orphan"] += sorted(ours.keys() - wanted.keys())
        found["altered"] += sorted(key for key in wanted.keys() & ours.keys() if wanted[key] != ours[key])

    def _place(self):
        """The copy that is being made: number, cursor, whether it is whole, and the ETag of an answer without news."""
        row = self.db.execute("SELECT copy, cursor, whole, etag FROM place ORDER BY copy DESC LIMIT 1").fetchone()
        return row or (1, "0", 0, None)

    def _start_over(self):
        """Another copy, beside the one that is read until this one is whole."""
        copy, cursor, whole, _ = self._place()
        if cursor == "0":
            raise OSError("the channel refuses to start over")
        with self.transaction():
            if not whole:
                self._drop("copy = ?", copy)
            self.db.execute("INSERT INTO place VALUES (?, '0', 0, NULL)", (copy + 1,))

    def _take(self, copy, page, whole, etag):
        """Documents and cursor in one transaction: this is what makes any cut harmless."""
        with self.transaction():
            for change in page["changes"]:
                if change["document"] is None:
                    self.db.execute("DELETE FROM document WHERE copy = ? AND key = ?", (copy, change["key"]))
                else:
                    content = canonical(change["document"])
                    self._put(copy, change["key"], change["version"], change["position"], content)
            done = whole or not page["more"]
            self.db.execute("INSERT OR REPLACE INTO place VALUES (?, ?, ?, ?)", (copy, page["cursor"], done, etag))
            if done:
                self._drop("copy < ?", copy)

    def _put(self, *row):
        self.db.execute("INSERT OR REPLACE INTO document VALUES (?, ?, ?, ?, ?)", row)

    def _drop(self, which, copy):
        for table in ("document", "place"):
            self.db.execute(f"DELETE FROM {table} WHERE {which}", (copy,))

    def _need(self, path):
        status, _, body = self.get(path)
        if status != 200:
            raise OSError(f"{path}: status {status}")
        return body


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("channel", help="such as http://127.0.0.1:8080/mobile")
    parser.add_argument("file", help="SQLite file of the copy, made when it is not there")
    parser.add_argument("--repair", action="store_true", help="fetch anew what differs")
    options = parser.parse_args()
    mirror = Mirror(options.file, over_http(options.channel.rstrip("/")))
    taken = mirror.sync()
    found = mirror.differences()
    print(f"{taken} changes taken, {len(mirror.documents())} documents held")
    for what, keys in found.items():
        for key in keys:
            print(f"{what}: {key}")
    if options.repair:
        mirror.repair(found)
        found = mirror.differences()
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
