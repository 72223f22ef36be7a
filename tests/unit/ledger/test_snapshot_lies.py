"""A snapshot that is not exactly what the ledger has signed is refused, and nothing of it is ever shown."""

import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from prometheus_client import REGISTRY

from contracts.base import format_time
from services.channels.recovery.rebuild import Rebuild
from services.channels.trust.snapshot import Snapshot
from services.ledger.signing.keyring import KEY_FILE
from services.ledger.signing.signer import Signer
from services.runtime.local_readers import LocalLedger
from shared.errors import Broken
from shared.transparency.canonical import canonical
from shared.transparency.snapshot import Predecessor, SnapshotPage
from tests.harness.ledgers import NEVER, ORIGIN, WrittenLedger, held
from tests.harness.pipeline import code_of, item, progress

KEYS = [f"item:{code_of(number)}" for number in range(5)]
CASE = f"application:{'c' * 64}"


@pytest.fixture
def made(tmp_path):
    """Five items of two versions, one of them effective tomorrow, and a case."""
    with closing(WrittenLedger(tmp_path)) as ledger:
        for number, key in enumerate(KEYS):
            ledger.add(key, item(number).model_dump(mode="json"))
        ledger.add(CASE, progress().model_dump(mode="json"))
        for number, key in enumerate(KEYS):
            tomorrow = {"effective_at": datetime.now(UTC) + timedelta(days=1)} if number == 4 else {}
            ledger.add(key, item(number, "第二版").model_dump(mode="json"), **tomorrow)
        ledger.sign()
        yield ledger


class Liar(LocalLedger):
    """Alters the ledger's answers: `lie` maps the entries of a page to others."""

    def __init__(self, made, lie=lambda entries: entries, about_before=lambda found: found):
        super().__init__(made.db)
        self._lie, self._about_before = lie, about_before

    def snapshot_page(self, size, after, limit):
        page = super().snapshot_page(size, after, limit)
        return SnapshotPage(entries=self._lie(list(page.entries)), next=page.next)

    def predecessors(self, size, positions):
        return self._about_before(list(super().predecessors(size, positions)))


def altered(entries, at=0, **fields):
    entries[at] = entries[at].model_copy(update=fields)
    return entries


def later(moment):
    return moment + timedelta(microseconds=1)


LIES = {
    "a key is missing": lambda entries: entries[1:],
    "the case is missing": lambda entries: [entry for entry in entries if entry.kind != "application"],
    "a key comes twice": lambda entries: [*entries, entries[0]],
    "another order": lambda entries: entries[::-1],
    "nothing": lambda entries: [],
    "another version": lambda entries: altered(entries, version=9),
    "another position": lambda entries: altered(entries, position=1),
    "another digest": lambda entries: altered(entries, digest="0" * 64),
    "another time of release": lambda entries: altered(entries, released_at=later(entries[0].released_at)),
    "another time of recording": lambda entries: altered(entries, recorded_at=later(entries[0].recorded_at)),
    "withdrawn": lambda entries: altered(entries, op="withdraw", body=None),
    "ended": lambda entries: altered(entries, expires_at=datetime.now(UTC)),
    "in force at once": lambda entries: altered(entries, at=4, effective_at=None),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_page_with_a_lie_is_refused_and_changes_nothing(made, lie):
    channel = made.channel(ledger=Liar(made, lie))
    before = held(channel)
    with pytest.raises(Broken, match=r"do not yield the snapshot root|does not come before"):
        list(Rebuild(channel, pays_from=0).run())

    assert held(channel) == before


def test_an_older_version_in_the_place_of_the_newest_is_refused(made):
    first = {entry.key: entry for entry in made.ledger.entries(0, 6)}
    channel = made.channel(ledger=Liar(made, lambda entries: [first[entry.key] for entry in entries]))
    with pytest.raises(Broken, match="do not yield the snapshot root"):
        list(Rebuild(channel, pays_from=0).run())


def altered_before(**fields):
    def lie(found):
        one = found[0]
        return [Predecessor(entry=one.entry.model_copy(update=fields), path=one.path), *found[1:]]

    return lie


LIES_BEFORE = {
    "another body's digest": (altered_before(digest="0" * 64), "not in the signed ledger"),
    "in force from tomorrow": (
        altered_before(effective_at=datetime(2100, 1, 1, tzinfo=UTC)),
        "not in the signed ledger",
    ),
    "another key": (altered_before(key=KEYS[0]), "does not come before"),
    "another version": (altered_before(version=7), "does not come before"),
    "nothing": (lambda found: [], "0 predecessors instead of 1"),
    "no path": (lambda found: [Predecessor(entry=found[0].entry, path=[])], "not in the signed ledger"),
    "no hash": (lambda found: [Predecessor(entry=found[0].entry, path=["zz"])], "not a hexadecimal hash"),
}


@pytest.mark.parametrize(("lie", "reason"), LIES_BEFORE.values(), ids=LIES_BEFORE.keys())
def test_a_lie_about_what_came_before_is_refused_and_changes_nothing(made, lie, reason):
    channel = made.channel(ledger=Liar(made, about_before=lie))
    before = held(channel)
    with pytest.raises(Broken, match=reason):
        list(Rebuild(channel, pays_from=0).run())

    assert held(channel) == before


def test_a_body_that_does_not_fit_its_digest_is_parked_as_it_is_in_the_log(made):
    made.add(KEYS[0], item(0, "第三版").model_dump(mode="json"), spoilt=True)
    made.sign()
    by_log, by_snapshot = made.channel(pays_from=NEVER), made.channel()
    by_log.reconcile()
    by_snapshot.reconcile()

    assert held(by_snapshot) == held(by_log)
    assert [(row["key"], row["version"]) for row in held(by_snapshot)["parked"]] == [(KEYS[0], 3)]


class Misled(LocalLedger):
    """Gives another statement than the ledger's."""

    def __init__(self, made, signer, **fields):
        super().__init__(made.db)
        self._signer, self._fields = signer, fields

    def snapshot(self):
        true = super().snapshot()
        said = {**orjson.loads(true.note.partition("\n")[0]), **self._fields}
        return true.model_copy(update={"note": self._signer.note(canonical(said).decode() + "\n")})


def refused(made, ledger, reason):
    channel = made.channel(ledger=ledger)
    channel.on_head(made.ledger.head())
    with pytest.raises(Broken, match=reason):
        Snapshot.newest(ledger, channel.witness)


def test_a_statement_by_another_key_is_refused(made, tmp_path):
    (tmp_path / "other").mkdir()
    refused(
        made, Misled(made, Signer.of_folder(tmp_path / "other", ORIGIN)), "no signature of the note is by a known key"
    )


def test_a_statement_that_has_expired_is_refused(made):
    ended = format_time(datetime.now(UTC) - timedelta(seconds=1))
    refused(made, Misled(made, made.signer, expires_at=ended), "the newest statement expired")


def test_a_statement_of_another_head_is_refused(made):
    refused(made, Misled(made, made.signer, size=3), "another head")


def test_a_statement_of_another_log_is_refused(made):
    refused(made, Misled(made, made.signer, origin="tongyuan/other"), "another log")


def test_a_note_that_is_no_statement_is_refused(made):
    refused(made, Misled(made, made.signer, type="tongyuan-key/1"), "not a head statement")


def test_pages_that_lead_back_or_never_end_are_refused(made):
    class Endless(LocalLedger):
        step = 0

        def snapshot_page(self, size, after, limit):
            page = super().snapshot_page(size, 0, limit)
            return SnapshotPage(entries=page.entries, next=after + self.step)

    back, forward = Endless(made.db), Endless(made.db)
    forward.step = 1
    with pytest.raises(Broken, match="points backwards"):
        list(Rebuild(made.channel(ledger=back), pays_from=0).run())
    with pytest.raises(Broken, match="cannot have 12 keys"):
        list(Rebuild(made.channel(ledger=forward), pays_from=0).run())


def test_a_starting_channel_that_is_lied_to_says_so_and_reads_every_entry(made):
    channel, true = made.channel(ledger=Liar(made, LIES["a key is missing"])), made.channel(pays_from=NEVER)
    before = REGISTRY.get_sample_value("tongyuan_snapshot_refused_total", {"channel": "web"}) or 0
    channel.reconcile()
    true.reconcile()

    assert held(channel) == held(true)
    assert REGISTRY.get_sample_value("tongyuan_snapshot_refused_total", {"channel": "web"}) == before + 1


def test_a_snapshot_of_another_history_is_not_taken_for_the_one_that_is_followed(made, tmp_path):
    (tmp_path / "fork").mkdir()
    # A thief of the key, without the state of the true signer.
    shutil.copy(tmp_path / KEY_FILE, tmp_path / "fork" / KEY_FILE)
    with closing(WrittenLedger(tmp_path / "fork")) as fork:
        for key in (*KEYS, *KEYS, *KEYS):
            fork.add(key, item(1, "另一段历史").model_dump(mode="json"))
        fork.sign()
        channel = made.channel()
        channel.reconcile()
        before = held(channel)

        class Split(LocalLedger):
            """The ledger, except for its snapshots: they are of a fork signed with the same key."""

            def __getattribute__(self, name):
                mine = name in ("snapshot", "snapshot_page", "predecessors")
                return getattr(fork.ledger, name) if mine else super().__getattribute__(name)

        made.add(KEYS[1], item(1, "第三版").model_dump(mode="json"))
        for _ in range(5):
            made.add(KEYS[2], item(2, "第三版").model_dump(mode="json"))
        made.sign()
        channel.ledger = Split(made.db)
        with pytest.raises(Broken, match="does not belong to the history that this channel follows"):
            list(Rebuild(channel, pays_from=0).run())
        assert held(channel) == before
