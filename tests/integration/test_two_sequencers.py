"""Two sequencers at once over PostgreSQL: the database decides, and there is one tree without a hole or a double."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from contracts.envelope.publication import Lane
from services.catalog.commands import ItemImport
from services.ledger.log.append import StoredTiles
from services.ledger.log.intake import Intake
from services.ledger.queries import size
from shared.database.engine import Database
from shared.errors import TongyuanError
from shared.feeds.outbox import SourceFeed
from shared.transparency.canonical import canonical
from shared.transparency.merkle import GrowingTiles, NoTiles, leaf_hash, tree_root
from tests.harness.actors import TESTER
from tests.harness.pipeline import item, pipeline
from tests.harness.rabbitmq import wait_until

ITEMS = 60


@pytest.fixture
def county(database_url, tmp_path):
    with pipeline(database_url, tmp_path) as made:
        yield made


def test_two_sequencers_record_one_history(county):
    rows = [item(number).model_dump(mode="json") for number in range(ITEMS)]
    county.catalog.import_items(TESTER, ItemImport(rows=rows))
    for number in range(0, ITEMS, 3):
        county.release(item(number, "经编辑"))
    county.release_case(None)
    rivals = [Intake(county.dbs["ledger"], county.readers, county.signer) for _ in range(2)]
    run_all([lambda rival=rival: feed(rival, county) for rival in rivals])
    rivals[0].reconcile()

    entries = county.ledger.entries(0, 1000)
    assert [entry.position for entry in entries] == list(range(1, ITEMS + ITEMS // 3 + 2))
    assert len({(entry.key, entry.version) for entry in entries}) == len(entries)
    assert_versions_follow(entries)
    assert stored_root(county.dbs["ledger"]) == plain_root(entries)


def test_two_sequencers_that_only_compare_record_one_history_too(county):
    for number in range(10):
        county.release(item(number))
    rivals = [Intake(county.dbs["ledger"], county.readers, county.signer) for _ in range(2)]
    run_all([rival.reconcile for rival in rivals])

    assert [entry.position for entry in county.ledger.entries(0, 100)] == list(range(1, 11))


def test_one_process_holds_a_role_and_the_next_takes_over_when_it_is_gone(county, database_url):
    bells = [Database("ledger", database_url).notifier for _ in range(2)]
    first, second = (notifier.listener() for notifier in bells)

    assert first.lead("sequencer")
    assert not second.lead("sequencer")
    assert second.lead("another role")
    assert first.lead("sequencer"), "asking again keeps it"
    first.close()
    wait_until(lambda: second.lead("sequencer"), "the role stayed with the dead")
    assert not first.lead("sequencer")
    first.close()
    second.close()


def test_the_bell_rings_in_another_process_when_and_only_when_a_transaction_commits(county, database_url):
    listener = Database("catalog", database_url).notifier.listener()
    assert not listener.wait(0.01)
    county.catalog.import_items(TESTER, ItemImport(rows=[item(1).model_dump(mode="json")], dry_run=True))
    assert not listener.wait(0.3)
    county.release(item(1))
    assert listener.wait(60)
    listener.close()


def feed(intake, county):
    """What two queues would deliver, in pieces that overlap."""
    for start in range(0, ITEMS, 7):
        for lane in Lane:
            messages = SourceFeed("catalog", lane).messages(county.dbs["catalog"], start, 10)
            try:
                intake.take(messages)
            except TongyuanError:
                continue  # the broker would offer the batch again; here the next one overlaps, and the end compares


def run_all(works):
    with ThreadPoolExecutor(len(works)) as pool:
        for running in [pool.submit(work) for work in works]:
            running.result()


def assert_versions_follow(entries):
    newest: dict[str, int] = {}
    for entry in entries:
        assert entry.version == newest.get(entry.key, 0) + 1
        newest[entry.key] = entry.version


def stored_root(db):
    with db.read() as session:
        return tree_root(StoredTiles(session), size(session))


def plain_root(entries):
    tiles = GrowingTiles(NoTiles(), 0)
    for entry in entries:
        tiles.append(leaf_hash(canonical(entry.leaf())))
    return tiles.root()
