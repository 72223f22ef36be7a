"""The writers of a fault run's history: editors with exact accounts, readers and screens, and the final roll call."""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import httpx
import orjson

from contracts.envelope.publication import Kind, Publication, Release
from contracts.topology import SOURCES
from services.channels.core.documents import document_row
from services.channels.core.port import adapters
from services.demo import content
from services.runtime.manifests import CHANNELS
from tests.harness.county import County
from tests.harness.editors import Persistent
from tests.harness.history import Dump, History, LaneEnd, fingerprint, mark_of_change, mark_of_document

PAGE = 500
READ_SECONDS = 0.15
DRAFT_WORD = "未经审核草稿"
Get = Callable[..., Any]
"""GET `/<service>/v1/<path>` with parameters, as a service; returns the JSON."""


class Clerk:
    """Changes one item repeatedly, withdraws it now and then, and keeps a draft of another unreleased."""

    def __init__(self, county: County, history: History, stop: threading.Event, number: int = 0) -> None:
        self._http, self._history, self._stop = Persistent(county, stop), history, stop
        self.name = f"clerk {number}"
        self.item, self._draft = content.items()[2 * number], content.items()[2 * number + 1]
        history.drafts.add(DRAFT_WORD)

    def run(self) -> None:
        """Run until stopped."""
        number = 0
        while not self._stop.is_set():
            number += 1
            self.save({**self._draft.model_dump(mode="json"), "task_name": f"{DRAFT_WORD}{number}"})
            self.save({**self.item.model_dump(mode="json"), "promise_day": number % 90 + 1})
            self.act("withdraw" if number % 5 == 0 else "release")
            self._stop.wait(0.05)

    def act(self, verb: str) -> int | None:
        """Release or withdraw. Return the acknowledged version; None if a repeated request finds it done."""
        began = self._history.now()
        answer = self._insist("POST", f"items/{self.item.code}/{verb}")
        made = answer.json().get("released")
        if made is None:
            return None
        said = {"key": made["key"], "version": made["version"], "digest": made["digest"]}
        self._history.add(self.name, "release", began=began, **said)
        return int(made["version"])

    def save(self, draft: dict[str, Any]) -> None:
        """Save a draft. The answer may be lost after it was saved, so the revision is read each time."""
        path = f"items/{draft['code']}"
        while True:
            known = self._http.send("catalog", "GET", path)
            match = {"If-Match": known.headers["ETag"]} if known.is_success else {}
            answer = self._http.send("catalog", "PUT", path, json=draft, headers=match)
            if answer.is_success:
                return
            assert answer.status_code in (409, 412, 428), answer.text

    def _insist(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Repeat a request until it is answered. One whose answer was lost may still be running: then one gets 409."""
        while (answer := self._http.send("catalog", method, path, **more)).status_code == 409:
            self._stop.wait(0.1)
        assert answer.is_success, answer.text
        return answer


class Reader:
    """A syncing client of one channel: changes by cursor, one document by address, the newest head."""

    def __init__(self, county: County, history: History, channel: str, codes: Iterable[str]) -> None:
        self._url, self._history, self.channel, self._codes = county.url(channel), history, channel, list(codes)
        self.name = f"reader of {channel}"
        self._cursor = "0"

    def run(self, stop: threading.Event) -> None:
        """Run until stopped."""
        patience = 10 * self._history.patience
        with httpx.Client(base_url=self._url, timeout=patience, trust_env=False) as http:
            while not stop.wait(READ_SECONDS):
                self._sync(http)
                for code in self._codes:
                    self._look(http, code)

    def _sync(self, http: httpx.Client) -> None:
        answer, began = self._ask(http, "changes", since=self._cursor, limit=PAGE)
        if answer is not None and answer.status_code == 410:
            self._cursor = "0"
        elif answer is not None and answer.is_success:
            found = answer.json()
            self._cursor = found["cursor"]
            self._history.saw(self.name, self.channel, [mark_of_change(one) for one in found["changes"]], began)
        answer, began = self._ask(http, "position")
        if answer is not None and answer.is_success and (head := answer.json()["head"]):
            said = {"value": head["size"], "digest": head["root"], "note": head["checkpoint"]}
            self._history.add(self.channel, "head", began=began, **said)

    def _look(self, http: httpx.Client, code: str) -> None:
        answer, began = self._ask(http, f"items/{code}")
        if answer is not None and answer.is_success:
            self._history.saw(self.name, self.channel, [mark_of_document(answer.json())], began)

    def _ask(self, http: httpx.Client, path: str, **params: Any) -> tuple[httpx.Response | None, float]:
        began = self._history.now()
        try:
            answer = http.get(f"/{self.channel}/v1/{path}", params=params)
        except httpx.HTTPError:
            self._history.add(self.name, "read", "fail", what=self.channel, began=began)
            return None, began
        phase = "ok" if answer.status_code < 500 else "fail"
        self._history.add(self.name, "read", phase, what=self.channel, began=began)
        self._history.search(self.name, f"{self.channel}/{path}", answer.text)
        return answer, began


class Screen:
    """An event stream that reconnects with its last id whenever it breaks."""

    def __init__(self, county: County, history: History, channel: str) -> None:
        self._url, self._history, self.channel = county.url(channel), history, channel
        self.name = f"screen of {channel}"
        self._last = ""

    @property
    def listens(self) -> bool:
        """Whether it has received the channel's state; from then on it is told of every change."""
        return bool(self._last)

    def run(self, stop: threading.Event) -> None:
        """Run until stopped; a stream is never silent for longer than the interval of its heads."""
        while not stop.is_set():
            try:
                with httpx.Client(base_url=self._url, timeout=httpx.Timeout(5), trust_env=False) as http:
                    self._listen(http, stop)
            except httpx.HTTPError:
                stop.wait(READ_SECONDS)

    def _listen(self, http: httpx.Client, stop: threading.Event) -> None:
        headers = {"Last-Event-ID": self._last} if self._last else {}
        with http.stream("GET", f"/{self.channel}/v1/stream", headers=headers) as answer:
            event: dict[str, str] = {}
            for line in answer.iter_lines():
                if stop.is_set():
                    return
                if line:
                    name, _, value = line.partition(": ")
                    event[name] = value
                elif event:
                    self._hear(event)
                    event = {}

    def _hear(self, event: dict[str, str]) -> None:
        if event.get("event") == "change":
            mark = mark_of_change(orjson.loads(event["data"]))
            self._history.saw(self.name, self.channel, [mark], began=None)
            self._history.search(self.name, f"{self.channel}/stream", event["data"])
        self._last = event.get("id", self._last)


def roll_call(history: History, get: Get, channels: Iterable[str] = CHANNELS) -> None:
    """Record what every place holds now: sources, ledger, channels."""
    for source in SOURCES:
        for lane, head in get(source, "releases/heads").items():
            documents = list(_pages(get, source, "releases", "releases", "sequence", lane=lane))
            history.releases += [Release.model_validate(document) for document in documents]
            history.lanes[source, lane] = LaneEnd(head)
    for mark in get("ledger", "sources")["sources"]:
        history.lanes[mark["source"], mark["lane"]].taken = mark["sequence"]
    history.entries = [Publication.model_validate(one) for one in _entries(get)]
    head = get("ledger", "head")
    history.keys = {key["public_key"] for key in get("ledger", "keys")["keys"]}
    history.add("ledger", "head", value=head["size"], digest=head["root"], note=head["checkpoint"])
    for entry in history.entries:
        history.add("ledger", "effect", key=f"{entry.key}/{entry.version}")
    for channel in channels:
        history.channels[channel] = _dump(history, get, channel)


def _dump(history: History, get: Get, channel: str) -> Dump:
    dump = Dump(get(channel, "position")["position"])
    dump.parked = {(one["key"], one["version"]) for one in get(channel, "parked")["parked"]}
    for change in _changes(get, channel):
        mark = mark_of_change(change)
        dump.marks[mark.key] = mark
        if change["document"] is not None:
            dump.content[mark.key] = fingerprint(change["document"])
    for entry in history.newest(dump.position).values():
        if entry.kind == Kind.APPLICATION:
            # Cases are not listed: each is requested by key.
            found = get(channel, f"trace/{entry.key}")
            dump.marks[entry.key] = mark_of_change({**found, "document": None})
        elif not history.is_gone(entry):
            with suppress(Exception):  # poison, which must be parked: the checker verifies that
                content = document_row(adapters()[channel], entry)["content"]
                if content is not None:
                    dump.projected[entry.key] = fingerprint(orjson.loads(content))
    return dump


def _changes(get: Get, channel: str) -> Iterable[dict[str, Any]]:
    cursor, more = "0", True
    while more:
        answer = get(channel, "changes", since=cursor, limit=PAGE)
        yield from answer["changes"]
        cursor, more = answer["cursor"], answer["more"]


def _entries(get: Get) -> Iterable[dict[str, Any]]:
    read = 0
    while found := get("ledger", "entries", **{"from": read + 1, "limit": PAGE})["entries"]:
        yield from found
        read = found[-1]["position"]


def _pages(get: Get, service: str, path: str, field: str, number: str, **params: Any) -> Iterable[dict[str, Any]]:
    after = 0
    while found := get(service, path, after=after, limit=PAGE, **params)[field]:
        yield from found
        after = found[-1][number]


def over_http(county: County) -> Get:
    """Return a getter for a county of processes; it retries for a while."""

    def get(service: str, path: str, **params: Any) -> Any:
        deadline = time.monotonic() + 60
        while True:
            try:
                answer = county.http(service).get(f"/{service}/v1/{path}", params=params)
                if answer.status_code < 500:
                    answer.raise_for_status()
                    return answer.json()
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline, f"{service}/{path}: no answer"
            time.sleep(0.2)

    return get
