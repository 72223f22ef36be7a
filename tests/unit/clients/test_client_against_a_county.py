"""The Python client reads a real ledger: every entry proven, positions resumed, and in agreement with our own code."""

import base64
import json
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts.envelope.publication import Publication
from shared.errors import Broken
from shared.transparency import canonical as ours
from shared.transparency import checkpoint, merkle, proof
from tests.harness.county import REPOSITORY
from tests.harness.pipeline import Pipeline, guide, item, pipeline, progress
from tongyuan_client import HttpFeed, Reader, State, Subscriber
from tongyuan_client.entry import entry_of
from tongyuan_client.errors import Halted, Refused
from tongyuan_client.merkle import canonical, digest, roots_along
from tongyuan_client.notes import Key, checkpoint_of, opened, proof_of
from tongyuan_client.trust import Trust

CLIENT = REPOSITORY / "clients" / "python"


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Entries of all kinds, some superseded or withdrawn. Tests only read."""
    with pipeline(tmp_path_factory.mktemp("subscribed")) as made:
        for number in range(1, 5):
            made.release(item(number))
            made.release(guide(number))
        made.release(item(1, name="居民身份证换领"))
        made.withdraw(item(2))
        made.release_case(progress())
        made.flow()
        yield made


@pytest.fixture
def feed(county: Pipeline) -> HttpFeed:
    return HttpFeed("", http=county.http)


def test_a_subscriber_gets_every_public_version_in_order_each_proven(county: Pipeline, feed: HttpFeed) -> None:
    events = list(Subscriber(feed, ":memory:").events(follow=False))

    assert [event.position for event in events] == sorted(event.position for event in events)
    assert {event.key for event in events} >= {f"item:{item(number).code}" for number in range(1, 5)}
    names = [event.body["task_name"] for event in events if event.key == f"item:{item(1).code}" and event.body]
    assert names == ["居民身份证办理", "居民身份证换领"]
    assert [event.op for event in events if event.key == f"item:{item(2).code}"] == ["release", "withdraw"]
    assert [event for event in events if event.key.startswith("application:")] == []


def test_a_subscriber_that_was_stopped_goes_on_and_loses_nothing(feed: HttpFeed, tmp_path: Path) -> None:
    whole = [event.position for event in Subscriber(feed, ":memory:").events(follow=False)]
    first = Subscriber(feed, tmp_path / "state.db").events(follow=False)
    taken = [next(first).position, next(first).position]
    first.close()
    again = [event.position for event in Subscriber(feed, tmp_path / "state.db").events(follow=False)]

    # The page was not finished, so it comes again: at least once, and nothing skipped.
    assert taken == whole[:2]
    assert again == whole
    assert list(Subscriber(feed, tmp_path / "state.db").events(follow=False)) == []


def test_a_pinned_key_of_another_county_takes_nothing(feed: HttpFeed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tongyuan_client.subscriber.FIRST_PAUSE", 0.0)
    stranger = Key("tongyuan/339921000000", b"\x01" * 32).vkey
    subscriber = Subscriber(feed, ":memory:", keys=[stranger])

    with pytest.raises(Refused, match="signature"):
        list(subscriber.events(follow=False))
    assert subscriber.state.position == 0


def test_an_altered_answer_is_refused_and_told(
    county: Pipeline, feed: HttpFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tongyuan_client.subscriber.FIRST_PAUSE", 0.0)
    honest = feed.entries

    def altered(first: int) -> Any:
        page = honest(first)
        page.entries[3 - first]["body"]["task_name"] = "另一个名字"
        return page

    monkeypatch.setattr(feed, "entries", altered)
    subscriber = Subscriber(feed, ":memory:")
    taken = []
    with pytest.raises(Refused, match="digest"):
        taken += subscriber.events(follow=False)
    assert subscriber.state.position == 2


def test_a_county_that_rewrites_its_past_stops_the_subscriber(county: Pipeline, feed: HttpFeed, tmp_path: Path) -> None:
    state = State(tmp_path / "state.db")
    list(Subscriber(feed, state).events(follow=False))
    with sqlite3.connect(tmp_path / "state.db") as remembered:
        remembered.execute("UPDATE root SET root = ? WHERE size = 3", (b"\x01" * 32,))
    with state.transaction():
        state.start_over("another feed")

    with pytest.raises(Halted, match="two histories"):
        list(Subscriber(feed, state).events(follow=False))
    with pytest.raises(Halted):
        list(Subscriber(feed, tmp_path / "state.db").events(follow=False))


def test_both_programs_agree_on_every_proof_and_digest(county: Pipeline, feed: HttpFeed) -> None:
    keys = [Key(one["name"], bytes.fromhex(one["public_key"])) for one in feed.listed_keys()]
    trusted = [checkpoint.NoteKey(key.name, key.public) for key in keys]
    prover = proof.Prover(lambda note: checkpoint.opened_checkpoint(note, trusted))
    page = feed.entries(1)
    assert len(page.entries) == page.size > 10
    for raw in page.entries:
        mine, theirs = entry_of(raw), prover.proven(proof.LedgerEntry.model_validate(raw))
        publication = Publication.model_validate(raw)
        assert canonical(mine.leaf()) == ours.canonical(publication.leaf())
        if mine.body is not None:
            assert digest(mine.content()) == ours.digest(publication.content()) == mine.digest
        parsed = proof_of(raw["proof"])
        found = checkpoint_of(opened(parsed.note, keys).text)
        assert theirs.place is not None
        assert (found.size, found.root) == (theirs.place.size, theirs.place.root)
        roots = roots_along(parsed.index, found.size, theirs.place.leaf, parsed.path)
        assert roots is not None
        assert (roots.before, roots.upto, roots.whole) == (
            theirs.roots.before,
            theirs.roots.upto,
            theirs.roots.whole,
        )


@pytest.mark.parametrize("place", range(0, 1400, 97))
def test_both_programs_refuse_the_same_altered_notes(county: Pipeline, feed: HttpFeed, place: int) -> None:
    keys = [Key(one["name"], bytes.fromhex(one["public_key"])) for one in feed.listed_keys()]
    trusted = [checkpoint.NoteKey(key.name, key.public) for key in keys]
    note = county.http.get("/ledger/v1/checkpoint").text
    at = place % len(note)
    altered = note[:at] + chr(ord(note[at]) ^ 1) + note[at + 1 :]

    assert agreed(lambda: opened(altered, keys)) == agreed(lambda: checkpoint.opened(altered, trusted))


@pytest.mark.parametrize(
    "value",
    [{"a": 1.5}, {"é": 1}, [2**53], {"a": "\ud800"}, [-(2**53)], {"a": {"b": [0.0]}}],
    ids=["fraction", "key", "large", "surrogate", "small", "deep"],
)
def test_both_programs_refuse_what_has_no_canonical_bytes(value: Any) -> None:
    with pytest.raises(Refused):
        canonical(value)
    with pytest.raises(Broken):
        ours.canonical(value)


def test_both_programs_compute_the_same_root_for_any_tree() -> None:
    leaves = [merkle.leaf_hash(bytes([number])) for number in range(1, 40)]
    for size in range(1, len(leaves) + 1):
        tiles = merkle.GrowingTiles(NoTiles(), 0)
        for leaf in leaves[:size]:
            tiles.append(leaf)
        for index in range(size):
            path = merkle.inclusion_proof(tiles, index, size)
            mine, theirs = (one(index, size, leaves[index], path) for one in (roots_along, merkle.roots_along))
            assert mine is not None
            assert theirs is not None
            assert (mine.before, mine.upto, mine.whole) == (theirs.before, theirs.upto, theirs.whole)


class NoTiles:
    def tile(self, level: int, index: int) -> bytes:
        return b""


def agreed(open_note: Any) -> str | None:
    """Return the text, or None where the note is refused."""
    try:
        found = open_note()
    except (Refused, Broken):
        return None
    return str(found.text if hasattr(found, "text") else found[0])


def test_a_verifier_key_with_a_wrong_hash_is_refused() -> None:
    good = Key("tongyuan/339921000000", b"\x07" * 32)
    name, _, encoded = good.vkey.split("+", 2)

    assert Key.of_vkey(good.vkey) == good
    for wrong in (f"{name}+00000000+{encoded}", f"{name}+{good.key_id}+{base64.b64encode(b'x').decode()}", "nothing"):
        with pytest.raises(ValueError, match=r"verifier key|base64|padding"):
            Key.of_vkey(wrong)


def test_without_a_pinned_key_the_first_list_is_trusted_and_a_later_stranger_is_not(feed: HttpFeed) -> None:
    state = State()
    trust = Trust(state, [], lambda: datetime.now(UTC))
    listed = feed.listed_keys()
    trust.learn(listed)
    trust.learn([*listed, {"name": listed[0]["name"], "public_key": "07" * 32, "endorsement": None}])

    assert [key.vkey for key in state.trusted_keys()] == [one["vkey"] for one in listed]


def test_without_verification_nothing_is_proven_and_everything_is_delivered(feed: HttpFeed) -> None:
    proven = [event.position for event in Subscriber(feed, ":memory:").events(follow=False)]
    state = State()
    reader = Reader(state, None)
    page = feed.entries(1)
    for raw in page.entries:
        raw.pop("proof")
    with state.transaction():
        reaction = reader.page(json.loads(json.dumps(page.entries)), page.size)

    assert [event.position for event in reaction.deliver] == proven


def test_the_client_imports_nothing_of_ours() -> None:
    for file in (CLIENT / "tongyuan_client").glob("*.py"):
        assert not re.search(
            r"^\s*(from|import) (contracts|shared|services|tests)\b", file.read_text(), re.MULTILINE
        ), file
