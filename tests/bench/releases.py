"""Our releases, measured: one at a time, from many hands at once, in bulk; and events of cases."""

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection
from urllib.parse import urlsplit

import orjson

from services.demo import content
from tests.bench import hands
from tests.bench.figures import Figures, cpu_seconds, spread
from tests.bench.watching import Watch, position, visible
from tests.harness.county import ADMIN, CHANNELS, County, wait_for

BODY_BYTES = 6_000
CHUNK = 200
WARM_UP = 5
CASES = "/applications/v1/applications"
ALLOWED = {"Authorization": f"Bearer {ADMIN}"}


def latency(county: County, releases: int) -> Figures:
    """From sending the release to the event on a screen's stream, the slowest of the four channels; one at a time."""
    http = county.http("catalog")
    item = content.items()[0]
    http.put("/catalog/v1/directory", json=[row.model_dump(mode="json") for row in content.directory()])
    known = http.get(f"/catalog/v1/items/{item.code}").headers.get("etag")
    saved = http.put(
        f"/catalog/v1/items/{item.code}",
        json=item.model_dump(mode="json"),
        headers={"If-Match": known} if known else {},
    )
    revision = saved.json()["revision"]
    watch = Watch(county, f"item:{item.code}")
    slowest, commits, apart = [], [], []
    try:
        for number in range(releases + 5):
            draft = {**item.model_dump(mode="json"), "promise_day": number % 60 + 1}
            if number:
                answer = http.put(f"/catalog/v1/items/{item.code}", json=draft, headers={"If-Match": f'"{revision}"'})
                revision = answer.json()["revision"]
            began = time.perf_counter()
            answer = http.post(f"/catalog/v1/items/{item.code}/release").json()
            committed = time.perf_counter()
            revision = answer["revision"]
            seen = watch.wait(answer["version"])
            if number >= 5:
                slowest.append((seen - began) * 1000)
                commits.append((committed - began) * 1000)
                apart.append(watch.apart(answer["version"]) * 1000)
            time.sleep(0.05)
    finally:
        watch.close()
    return {
        "seen_on_all_four": spread(slowest),
        "of_which_the_request": spread(commits),
        "first_to_last_channel": spread(apart),
        "commit_to_visible": visible(county),
        "n": len(slowest),
    }


class Editor:
    """One hand's guide of 6 KB, saved and released again and again; each act is two requests."""

    def __init__(self, number: int) -> None:
        base = content.guides()[0].model_dump(mode="json", exclude_none=True)
        self._draft, self._revision, self._acts = guide(base, number), 0, 0
        self._mark = secrets.token_hex(4)  # no other editor has saved these words, so every release is a new version
        self._path = f"/guides/v1/guides/{self._draft['code']}"

    def act(self, connection: HTTPConnection) -> int:
        """Save and release; return the worse of the two statuses."""
        self._acts += 1
        condition = f"{self._mark}第{self._acts}版。{self._draft['accept_condition']}"
        draft = orjson.dumps({**self._draft, "accept_condition": condition})
        known = {"If-Match": f'"{self._revision}"'} if self._revision else {}
        saved, _ = hands.send(connection, "PUT", self._path, draft, {**ALLOWED, **known})
        released, answer = hands.send(connection, "POST", f"{self._path}/release", headers=ALLOWED)
        if released < 300:
            self._revision = orjson.loads(answer)["revision"]
        return max(saved, released)


def sustained(county: County, hands_at_once: int, acts: int) -> Figures:
    """Releases a second from many connections, each saving and releasing a guide of its own, until all four show it."""
    editors = [Editor(100_000 + hand) for hand in range(hands_at_once)]
    return _through(county, "guides", hands_at_once, acts, lambda connection, hand, _: editors[hand].act(connection))


def events(county: County, hands_at_once: int, acts: int) -> Figures:
    """Events of cases a second from many connections, each opening a case and reporting that it was received."""
    case = {"item_code": content.items()[0].code, "promise_day": 5, "applicant": {"name": "张三"}}
    opening = orjson.dumps(case)

    def act(connection: HTTPConnection, _hand: int, _number: int) -> int:
        opened, receipt = hands.send(connection, "POST", CASES, opening, ALLOWED)
        if opened >= 300:
            return opened
        path = f"{CASES}/{orjson.loads(receipt)['project_no']}/events"
        return hands.send(connection, "POST", path, b'{"event": "received"}', ALLOWED)[0]

    return _through(county, "applications", hands_at_once, acts, act, each=2)


def _through(county: County, source: str, hands_at_once: int, acts: int, act: hands.Act, each: int = 1) -> Figures:
    """Let the hands act, and wait until all four channels have what they released: `each` entries an act."""
    before, used = min(position(county, name) for name in CHANNELS), sum(cpu_by_process(county).values())
    began = time.perf_counter()
    done = hands.work(county.url(source), hands_at_once, acts, act)
    target = before + done.good * each
    wait_for(lambda: min(position(county, name) for name in CHANNELS) >= target, "everything is shown", 300)
    seconds = time.perf_counter() - began
    return {
        "connections": hands_at_once,
        "releases_per_second": round(done.good * each / seconds),
        "accepted_per_second": round(done.good * each / done.seconds),
        "errors": len(done.bad),
        "cpu_ms_each": round((sum(cpu_by_process(county).values()) - used) * 1000 / max(done.good * each, 1), 2),
    }


def cpu_by_process(county: County) -> dict[str, float]:
    """Processor time that each process has used, seconds."""
    return {name: cpu_seconds(process.pid) for name, process in county.processes.items()}


@contextmanager
def busy(county: County, per_second: float) -> Iterator[None]:
    """Meanwhile, let four hands save and release guides, together at that rate."""
    stop = threading.Event()

    def work(hand: int) -> None:
        editor, connection = Editor(200_000 + hand), HTTPConnection(urlsplit(county.url("guides")).netloc)
        began, number = time.perf_counter(), 0
        while not stop.wait(max(0.0, began + number * 4 / per_second - time.perf_counter())):
            editor.act(connection)
            number += 1
        connection.close()

    with hands.meanwhile(stop, [partial(work, hand) for hand in range(4)]):
        yield


def bulk(county: County, count: int, first: int = 0) -> Figures:
    """Guides of 6 KB through the import lane: from the first request until all four channels have them.

    `first`: the number of the first guide.
    """
    http = county.http("guides")
    before = min(position(county, name) for name in CHANNELS)
    base = content.guides()[0].model_dump(mode="json", exclude_none=True)
    rows = [guide(base, number) for number in range(first, first + count)]
    size = len(json.dumps(rows[0], ensure_ascii=False).encode())
    began = time.perf_counter()
    for start in range(0, count, CHUNK):
        answer = http.post("/guides/v1/imports", json={"rows": rows[start : start + CHUNK]}, timeout=120)
        answer.raise_for_status()
    accepted = time.perf_counter() - began
    target = before + count
    wait_for(lambda: min(position(county, name) for name in CHANNELS) >= target, "everything is shown", 1_800)
    seconds = time.perf_counter() - began
    return {
        "releases": count,
        "bytes_each": size,
        "seconds": round(seconds, 1),
        "releases_per_second": round(count / seconds),
        "accepted_per_second": round(count / accepted),
    }


def guide(base: Figures, number: int) -> Figures:
    """A guide of about 6 KB with a valid code of its own."""
    main, sub = divmod(number, 900)
    text = "申请人应当提交真实、完整的材料，并对其实质内容负责。"
    code = f"{base['code'][:19]}000709{main:03d}{sub + 100:03d}"
    short = {**base, "code": code, "accept_condition": text}
    missing = BODY_BYTES - len(json.dumps(short, ensure_ascii=False).encode())
    return {**short, "accept_condition": text * max(1, missing // len(text.encode()))}
