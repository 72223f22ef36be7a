"""A channel that starts empty: when it uses a snapshot, and what happens if something goes wrong."""

import os
import signal
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from contracts.envelope.publication import Publication
from services.channels.recovery.bootstrap import starting_channel
from services.channels.recovery.drill import Drill
from services.channels.recovery.rebuild import Rebuild
from services.channels.trust import snapshot
from services.channels.trust.snapshot import PAYS_FROM
from services.ledger.log.feed import LedgerFeed
from services.ledger.signing.keyring import rotate
from services.runtime.local_readers import LocalLedger
from shared.errors import NotFound, Unavailable, UpstreamDown
from shared.feeds.upstream import HttpLedger
from tests.harness.ledgers import NEVER, WrittenLedger, held
from tests.harness.pipeline import ADMIN, REGION, SERVICE, code_of, item, pipeline, progress

KEYS = [f"item:{code_of(number)}" for number in range(4)]
CASE = f"application:{'c' * 64}"
ANCHOR = text("SELECT size, root FROM lineage")
ASIDE = text("SELECT count(*) AS count FROM aside")


@pytest.fixture
def made(tmp_path):
    """Four items of three versions each, and a case of one."""
    with closing(WrittenLedger(tmp_path)) as ledger:
        ledger.add(CASE, progress().model_dump(mode="json"))
        for version in (1, 2, 3):
            for number, key in enumerate(KEYS):
                ledger.add(key, item(number, f"第{version}版").model_dump(mode="json"))
        ledger.sign()
        yield ledger


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch):
    monkeypatch.setattr(snapshot, "PAGE", 2)


def complete(made):
    channel = made.channel(pays_from=NEVER)
    channel.reconcile()
    return held(channel)


def test_a_short_ledger_is_read_entry_by_entry(made):
    channel = made.channel(pays_from=14)
    channel.reconcile()

    assert made.ledger.read >= channel.position() == 13
    assert PAYS_FROM == 2_000


def test_a_long_one_is_not(made):
    channel = made.channel(pays_from=13)
    channel.reconcile()

    assert held(channel)["position"] == 13
    assert made.ledger.read == 1
    assert held(channel) == complete(made)


def test_who_has_begun_goes_on_with_the_log(made):
    channel = made.channel(pays_from=NEVER)
    channel.reconcile()
    again = starting_channel(channel.db, channel.adapter, made.ledger, pays_from=0)
    read = made.ledger.read
    made.add(KEYS[0], item(0, "第四版").model_dump(mode="json"))
    made.sign()
    again.reconcile()

    # One new entry, and now and then the last one, to check that it is still the same ledger.
    assert again.position() == 14
    assert made.ledger.read - read < len(KEYS)


def test_the_first_message_from_the_queue_starts_it_too(made):
    made.add(KEYS[1], None)
    made.sign()
    channel = made.channel()
    (last,) = LedgerFeed(REGION).messages(made.db, 13, 1)
    assert channel.take([last]) == []

    assert held(channel) == complete(made)


def test_its_anchor_is_a_head_that_continues_the_snapshot(made):
    channel = made.channel()
    channel.reconcile()
    head = made.ledger.head()
    (row,) = channel.db.fetch(ANCHOR)

    assert (row.size, row.root) == (head.size, head.root)


def test_a_ledger_that_goes_on_while_pages_are_read_does_not_spoil_it(made):
    channel = made.channel()
    steps = Rebuild(channel, pays_from=0).run()
    assert next(steps).keys == 2
    for number, key in enumerate(KEYS):
        made.add(key, item(number, "读取之间发布").model_dump(mode="json"))
    made.add(KEYS[0], None)
    made.add("item:NEW", item(9).model_dump(mode="json"))
    made.sign()
    done = list(steps)[-1]
    channel.reconcile()

    assert (done.snapshot, done.keys) == (13, 5)
    assert held(channel) == complete(made)


def test_a_ledger_that_goes_away_in_the_middle_is_asked_again_from_the_beginning(made):
    class Away(LocalLedger):
        pages = 0

        def snapshot_page(self, size, after, limit):
            Away.pages += 1
            if Away.pages == 2:
                raise UpstreamDown("gone")
            return super().snapshot_page(size, after, limit)

    channel = made.channel(ledger=Away(made.db))
    nothing = held(channel)
    with pytest.raises(Unavailable):
        channel.reconcile()
    assert held(channel) == nothing
    channel.reconcile()

    assert held(channel) == complete(made)


def test_a_ledger_that_has_no_snapshots_yet_is_read_entry_by_entry(made):
    class Older(LocalLedger):
        def snapshot(self):
            raise NotFound("no such path")

    channel = made.channel(ledger=Older(made.db))
    channel.reconcile()

    assert held(channel) == complete(made)


def test_before_the_first_head_it_waits_for_nothing(tmp_path):
    with closing(WrittenLedger(tmp_path)) as made:
        made.add(KEYS[0], item(0).model_dump(mode="json"))
        channel = made.channel()
        assert channel.take(LedgerFeed(REGION).messages(made.db, 0, 1)) == []

        assert channel.position() == 1


HALF = """
import sys, time
from pathlib import Path
from services.channels.trust import snapshot
from services.runtime.local_readers import LocalLedger
from services.channels.core.port import adapters
from services.channels.recovery.bootstrap import starting_channel
from shared.database.engine import Database

class Slow(LocalLedger):
    def snapshot_page(self, size, after, limit):
        if after:
            print("half", flush=True)
            time.sleep(600)
        return super().snapshot_page(size, after, limit)

snapshot.PAGE = 2
ledger, channel = (Database(name, url) for name, url in (("ledger", sys.argv[1]), ("web", sys.argv[2])))
starting_channel(channel, adapters()["web"], Slow(ledger), pays_from=0).reconcile()
"""


def test_killed_in_the_middle_it_shows_nothing_and_starts_over(made):
    channel = made.channel()
    nothing = held(channel)
    command = [sys.executable, "-c", HALF, made.db.url, channel.db.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert "half\n" in iter(process.stdout.readline, "")
        os.kill(process.pid, signal.SIGKILL)
    assert channel.db.fetch(ASIDE)[0].count == 2
    assert held(channel) == nothing
    channel.reconcile()

    assert held(channel) == complete(made)
    assert channel.db.fetch(ASIDE)[0].count == 0


def test_across_a_rotation_of_keys(made, tmp_path):
    old = keys_of(made)
    configured = [key.note_key().vkey for key in old]
    rotate(tmp_path, timedelta(0), datetime.now(UTC))
    made.add(KEYS[0], item(0, "换钥后").model_dump(mode="json"))
    made.sign()
    channel = made.channel(keys=configured)
    channel.reconcile()

    assert len(keys_of(made)) == len(old) + 1
    assert made.ledger.read == 1
    assert held(channel) == complete(made)


def keys_of(made):
    return list(made.ledger.keys())


def test_an_operator_rebuilds_from_a_snapshot_or_from_every_entry(made):
    channel = made.channel()
    channel.reconcile()
    before = held(channel)
    channel.db.execute("DELETE FROM document WHERE position > 11")
    quick = list(Rebuild(channel, pays_from=0).run())[-1]
    assert (len(quick.differences), quick.snapshot, held(channel)) == (2, 13, before)
    channel.db.execute("DELETE FROM document WHERE position > 11")
    whole = list(Rebuild(channel, full=True, pays_from=0).run())[-1]

    assert (len(whole.differences), whole.snapshot, held(channel)) == (2, 0, before)


def test_the_drill_reads_both_ways_and_finds_a_snapshot_that_is_none(made):
    channel = made.channel()
    channel.reconcile()
    steps = list(Drill(channel).run())
    assert {step.snapshot for step in steps} == {0, 13}
    assert steps[-1].differences == []
    channel.db.execute("UPDATE document SET content = content || ' ' WHERE key = :key", key=KEYS[0])
    assert list(Drill(channel).run())[-1].differences == [KEYS[0]]


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=["web"]) as made:
        for number in (1, 2, 3):
            made.release(item(number))
            made.release(item(number, "又一版"), effective_at=datetime.now(UTC) + timedelta(days=1))
        made.release_case(progress())
        made.flow()
        yield made


def test_over_http_it_is_the_same(county, tmp_path):
    (tmp_path / "http").mkdir()
    with closing(WrittenLedger(tmp_path / "http")) as beside:
        county.http.headers["Authorization"] = f"Bearer {SERVICE}"
        ledger = HttpLedger(county.http)
        by_snapshot, by_log = beside.channel(ledger=ledger), beside.channel(ledger=ledger, pays_from=NEVER)
        by_snapshot.reconcile()
        by_log.reconcile()

        assert by_snapshot.position() == 7
        assert held(by_snapshot) == held(by_log)
        assert {row["kind"] for row in held(by_snapshot)["document"]} == {"item", "application"}


def test_strangers_get_it_without_the_bodies_of_cases_and_of_what_comes_later(county):
    size = county.get("ledger/v1/snapshot").json()["head"]["size"]
    for token, shown in ((None, False), (SERVICE, True), (ADMIN, True)):
        entries = county.get("ledger/v1/snapshot/entries", token, size=size).json()["entries"]
        in_force = county.get("ledger/v1/snapshot/predecessors", token, size=size, position=[2, 4, 6]).json()
        bodies = {entry["kind"]: entry["body"] is not None for entry in entries}
        assert bodies == {"item": shown, "application": shown}
        assert [one["entry"]["body"] is not None for one in in_force["predecessors"]] == [True] * 3
        assert all(Publication.model_validate(entry) for entry in entries)


def test_of_what_is_not_signed_there_is_no_snapshot(county):
    assert county.get("ledger/v1/snapshot/entries", size=8).status_code == 422
    assert county.get("ledger/v1/snapshot/predecessors", size=7, position=8).status_code == 422
    assert county.get("ledger/v1/snapshot/predecessors", size=7, position=1).status_code == 404
    assert county.get("ledger/v1/snapshot/predecessors", size=7).status_code == 422
    assert county.get("ledger/v1/snapshot/predecessors", size=7, position=[2] * 101).status_code == 422


def test_before_the_first_statement_there_is_none(tmp_path):
    with pipeline(tmp_path, channels=()) as fresh:
        assert fresh.get("ledger/v1/snapshot").status_code == 503
