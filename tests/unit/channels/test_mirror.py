"""docs/integrating/mirror.py keeps an exact copy, whatever connection is cut and whatever is published meanwhile."""

import gzip
import json
import runpy
import socket
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import IncompleteRead
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.channels.core.digests import bucket_of, digest_lines, served_lines
from shared.publishing.editions import EditionState
from tests.harness.county import REPOSITORY
from tests.harness.documents import load
from tests.harness.pipeline import Pipeline, code_of, guide, item, pipeline, progress

PROGRAM = runpy.run_path(str(REPOSITORY / "docs" / "integrating" / "mirror.py"))
MOST = 12
NUMBERS = st.integers(1, MOST)


class Cut(Exception):
    """The connection, or the program, ended here."""


@dataclass
class Line:
    """From the program to the channel. `cuts`: how the next requests end; `between` runs between requests."""

    county: Pipeline
    cuts: list[str] = field(default_factory=list)
    between: Any = None
    asked: list[tuple[str, int]] = field(default_factory=list)

    def get(self, path: str, etag: str | None = None) -> tuple[int, str | None, bytes]:
        cut = self.cuts.pop(0) if self.cuts else ""
        if cut == "before":
            raise Cut
        answer = self.county.http.get(f"/mobile{path}", headers={"If-None-Match": etag} if etag else {})
        self.asked.append((path, answer.status_code))
        if self.between:
            self.between()
        if cut == "after":
            raise Cut
        body = answer.content[: len(answer.content) // 2] if cut == "middle" else answer.content
        return answer.status_code, answer.headers.get("etag"), body


def mirror(file: Path, line: Line, limit: int = 3) -> Any:
    """Return the program, started."""
    return PROGRAM["Mirror"](file, line.get, limit)


class KilledBeforeCommit:
    """The program's database. The program is killed when a document is written and not committed."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.close, self._execute, self._killed = db.close, db.execute, False

    def execute(self, statement: str, *bound: Any) -> sqlite3.Cursor:
        if self._killed:
            raise Cut
        done = self._execute(statement, *bound)
        if statement.startswith("INSERT OR REPLACE INTO document"):
            self._killed = True
            raise Cut
        return done


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with pipeline(tmp_path_factory.mktemp("mirror"), channels=["mobile"]) as made:
        for number in range(1, MOST + 1):
            made.release(item(number))
        made.release(guide(1))
        made.release_case(progress())
        made.flow()
        yield made


@pytest.fixture(scope="module")
def names() -> Iterator[int]:
    return count(1)


EVENTS = st.one_of(
    st.tuples(st.just("release"), NUMBERS),
    st.tuples(st.just("guide"), NUMBERS),
    st.tuples(st.just("withdraw"), NUMBERS),
    st.tuples(st.just("another life"), st.just(0)),
    st.tuples(st.just("look"), st.sampled_from(["", "before", "after", "middle", "commit"])),
)


@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(events=st.lists(EVENTS, min_size=3, max_size=9), limit=st.integers(1, 7), data=st.data())
def test_a_copy_is_exact_after_any_history_and_any_cut(county, tmp_path_factory, names, events, limit, data):
    file = tmp_path_factory.mktemp("copy") / "copy.db"
    program = mirror(file, Line(county), limit)
    for what, how in events:
        if what == "look":
            # The program restarts after each cut: it knows only what it had committed.
            program = mirror(file, Line(county, cuts=[*[""] * data.draw(st.integers(0, 3)), how]), limit)
            if how == "commit":
                program.db = KilledBeforeCommit(program.db)
            look(program)
        else:
            happen(county, what, how, next(names))

    assert_exact(county, mirror(file, Line(county), limit))


@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(events=st.lists(EVENTS.filter(lambda one: one[0] != "look"), max_size=6), limit=st.integers(1, 4))
def test_releases_between_two_pages_are_neither_skipped_nor_taken_back(county, tmp_path_factory, names, events, limit):
    left = list(events)
    line = Line(county, between=lambda: left and happen(county, *left.pop(0), next(names)))
    program = mirror(tmp_path_factory.mktemp("copy") / "copy.db", line, limit)
    program.sync()
    line.between = None

    assert_exact(county, program)


def test_every_document_is_written_as_its_readers_can_write_it_again(county):
    for kind in ("item", "guide"):
        county.emit("catalog" if kind == "item" else "guides", f"{kind}:{code_of(90)}", whole(kind))
    county.flow()
    with county.dbs["mobile"].read() as session:
        contents = [row.content for row in session.connection().exec_driver_sql("SELECT content FROM document")]

    for content in filter(None, contents):
        assert (
            rfc8785.dumps(json.loads(content)) == content.encode() == PROGRAM["canonical"](json.loads(content)).encode()
        )


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("UPDATE document SET content = replace(content, '身份证', '驾驶证') WHERE key = :key", "altered"),
        ("UPDATE document SET version = version - 1 WHERE key = :key", "altered"),
        ("DELETE FROM document WHERE key = :key", "missing"),
        ("UPDATE document SET key = 'item:invented' WHERE key = :key", "orphan"),
    ],
)
def test_what_is_wrong_in_a_copy_is_found_by_key_and_mended(county, tmp_path, names, damage, found):
    happen(county, "release", 1, next(names))
    program = mirror(tmp_path / "copy.db", Line(county))
    program.sync()
    key = f"item:{code_of(1)}"
    program.db.execute(damage, {"key": key})
    differences = program.differences()

    assert differences[found] == ["item:invented" if found == "orphan" else key]
    program.repair(differences)
    assert_exact(county, program)


def test_who_is_up_to_date_hears_so_in_a_few_bytes(county, tmp_path):
    line = Line(county)
    program = mirror(tmp_path / "copy.db", line)
    program.sync()
    program.sync()
    line.asked.clear()

    assert program.sync() == 0
    assert [status for _, status in line.asked] == [304]


def test_a_whole_copy_is_read_until_the_next_one_is_whole(county, tmp_path):
    program = mirror(tmp_path / "copy.db", Line(county))
    program.sync()
    before = program.documents()
    county.rebuild("mobile", new_epoch=True)
    look(mirror(tmp_path / "copy.db", Line(county, cuts=["", "", "middle"])))

    assert mirror(tmp_path / "copy.db", Line(county)).documents() == before
    assert_exact(county, mirror(tmp_path / "copy.db", Line(county)))


def test_cases_are_in_no_bucket_that_strangers_can_read(county):
    assert county.get("mobile/v1/source/application/00").status_code == 422
    assert county.get("mobile/v1/source/item/0").status_code == 422
    assert county.get("mobile/v1/source/item/zz").status_code == 422


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_that_ends_in_the_middle_is_no_answer(packed):
    body = json.dumps({"changes": [], "cursor": "a.1", "more": False}).encode()
    body = gzip.compress(body) if packed else body
    coding = b"Content-Encoding: gzip\r\n" if packed else b""
    with socket.create_server(("127.0.0.1", 0)) as server:
        head = b"HTTP/1.1 200 OK\r\n" + coding + b"Content-Length: %d\r\n\r\n" % len(body)
        thread = threading.Thread(target=answer_half, args=(server, head + body[:-9]))
        thread.start()
        with pytest.raises((IncompleteRead, EOFError)):
            PROGRAM["over_http"](f"http://127.0.0.1:{server.getsockname()[1]}")("/v1/changes")
        thread.join()


def answer_half(server: socket.socket, answer: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(answer)


def look(program: Any) -> None:
    try:
        program.sync()
    except (Cut, ValueError):
        program.db.close()


def happen(county: Pipeline, what: str, number: int, name: int) -> None:
    if what == "another life":
        county.rebuild("mobile", new_epoch=True)
    elif what == "withdraw":
        if county.get(f"mobile/v1/items/{code_of(number)}").status_code == 200:
            county.withdraw(item(number), EditionState.WITHDRAWN)
    else:
        county.release((item if what == "release" else guide)(number, f"居民身份证办理{name}次"))
    county.flow()


def assert_exact(county: Pipeline, program: Any) -> None:
    """The copy holds the bytes that are served, finds no difference, and its digests are the channel's."""
    assert program.differences() == {"altered": [], "missing": [], "orphan": []}
    rows = county.execute("mobile", "SELECT key, version, position, content FROM document WHERE content IS NOT NULL")
    public = sorted(tuple(row) for row in rows if not row.key.startswith("application:"))
    assert program.documents() == public
    with county.dbs["mobile"].read() as session:
        ours = digest_lines(line for line in served_lines(session) if line.kind != "application").buckets
    told = PROGRAM["bucket_digests"](program.documents())
    assert told == {(kind, bucket): digest for kind, by in ours.items() for bucket, digest in by.items()}
    assert all(bucket_of(key) == PROGRAM["sha"](key)[:2] for key, *_ in public)


def whole(kind: str) -> Any:
    """Draw a body with every field of its contract."""
    return {**load(f"examples/bodies/{kind}.json"), "code": code_of(90)}
