"""A disk that is full: no acknowledgement without a commit, nothing half-done, and on it goes when there is room."""

import os
import shutil
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import event

from shared.errors import TongyuanError, Unavailable
from shared.messaging.delivery import Message
from tests.harness.amqp_site import QUEUE, Site
from tests.harness.broker_queues import drain
from tests.harness.invariants import judge
from tests.harness.pipeline import item, pipeline, shown
from tests.harness.postgres import PrivatePostgres, server_folder
from tests.harness.rabbitmq import PrivateRabbit, wait_until
from tests.harness.simulation import simulated


@pytest.mark.parametrize("service", ["catalog", "ledger", "web"])
def test_an_embedded_county_whose_disk_is_full_refuses_and_goes_on_when_there_is_room(tmp_path, service):
    with simulated(tmp_path) as run:
        run.honest = True
        run.edit(1, "release")
        run.county.flow()
        full = run.county.dbs[service].engine
        set_room(full, pages=1)
        with pytest.raises(Unavailable, match="full"):
            release_many(run)
        run.look()
        set_room(full, pages=1_000_000)
        run.restart()
        run.edit(2, "release")
        run.heal()

        judge(run.history)


def release_many(run):
    for number in range(40):
        run.edit(number % 4, "release")
        run.county.flow()


def set_room(engine, pages):
    """SQLite's own limit on the file, which ends in the very error of a full disk."""
    with_pragma(engine, "max_page_count", pages)


def with_pragma(engine, name, value):
    """On every connection from now on, instead of the value set before."""
    engine.dispose()
    former = vars(engine).setdefault("pragmas_of_this_test", {})

    def put(connection, _record):
        connection.execute(f"PRAGMA {name}={value}")

    if name in former:
        event.remove(engine, "connect", former[name])
    former[name] = put
    event.listen(engine, "connect", put)


@contextmanager
def small_disk(folder: Path, size: str):
    """A file system of its own."""
    if os.geteuid() != 0:
        pytest.fail("a small disk is mounted for this test, and only root may mount: run it as root")
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=711", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.long
@pytest.mark.servers
@pytest.mark.timeout(300)
def test_a_database_server_whose_disk_is_full_refuses_and_goes_on_when_there_is_room(tmp_path):
    with server_folder() as place, small_disk(place / "disk", "200m") as disk:
        server = PrivatePostgres(disk / "postgres").start()
        try:
            with pipeline(server.url(server.create_database()), tmp_path, ["web"]) as county:
                county.release(item(1))
                fill(disk / "ballast")
                acknowledged, refused = {1}, 0
                for number in range(2, 400):
                    if released(county, number):
                        acknowledged.add(number)
                    else:
                        refused += 1
                        break
                assert refused, "the disk was not full"
                (disk / "ballast").unlink()
                server.restart()
                wait_until(lambda: released(county, 500), "it does not come back")
                wait_until(lambda: flows(county), "it does not flow again")

                keys = {entry.key for entry in county.ledger.entries(0, 1000)}
                assert {f"item:{item(number).code}" for number in acknowledged | {500}} <= keys
        finally:
            server.kill()


TIGHT = {"disk_free_limit.absolute": "1KB", "raft.wal_max_size_bytes": "8000000"}
"""A broker that does not stop in time: its alarm is off, so the disk runs really full."""


@pytest.mark.long
@pytest.mark.servers
@pytest.mark.timeout(600)
def test_a_broker_whose_disk_is_full_ends_and_has_all_that_it_confirmed_when_there_is_room(tmp_path):
    with small_disk(tmp_path / "disk", "200m") as disk:
        rabbit = PrivateRabbit(disk, limits=TIGHT).start()
        site = Site(rabbit, tmp_path)
        try:
            site.declare()
            rabbit.settle()
            confirmed = sent(site, range(50))
            assert len(confirmed) == 50
            fill(disk / "ballast")
            confirmed |= sent(site, range(50, 4000))
            assert len(confirmed) < 4000, "the disk was not full"
            # Sooner or later it ends; until then it confirms nothing.
            assert not rabbit.runs or not rabbit.serves() or not sent(site, [4000])
            rabbit.kill()
            (disk / "ballast").unlink()
            rabbit.start()
            confirmed |= sent(site, range(5000, 5010))

            assert f"{5009}" in confirmed
            assert confirmed <= set(drain(site.url, QUEUE))
        finally:
            site.end()
            rabbit.kill()
            rabbit.stop()


def sent(site, numbers):
    """Ids of the messages that the broker confirmed before it refused one."""
    publisher, confirmed = site.publisher(timeout=10), set()
    with suppress(TongyuanError):
        for number in numbers:
            publisher.publish([Message(b"x" * 20_000, "k", f"{number}")])
            confirmed.add(f"{number}")
    publisher.close()
    return confirmed


def released(county, number):
    try:
        county.release(item(number, "很长的名称" * 40))
    except TongyuanError:
        return False
    return True


def flows(county):
    """Each dead connection of a pool may cost one error."""
    try:
        county.intake.reconcile()
        county.flow()
    except TongyuanError:
        return False
    return True


def fill(file):
    """Until nothing more fits."""
    with file.open("wb", buffering=0) as ballast, suppress(OSError):
        while True:
            ballast.write(b"0" * 65536)


@pytest.fixture
def robbed(tmp_path, request):
    """A county that was killed, and whose one write-ahead file somebody has deleted meanwhile."""
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    with pipeline(before, channels=["web"]) as county:
        for number in range(5):
            county.release(item(number))
        county.flow()
        # Copied while it runs: what a kill leaves behind.
        shutil.copytree(before, after)
    assert (after / f"{request.param}.db-wal").stat().st_size > 0, "nothing is lost with it"
    for suffix in ("wal", "shm"):
        (after / f"{request.param}.db-{suffix}").unlink()
    with pipeline(after, channels=["web"]) as county:
        county.refused = []
        county.bus.on_refused = lambda name, message, reason: county.refused.append((message.message_id, reason))
        yield county


@pytest.mark.parametrize("robbed", ["web"], indirect=True)
def test_a_channel_without_its_write_ahead_file_takes_all_of_it_again(robbed):
    robbed.channels["web"].reconcile()

    assert shown(robbed.get("web/v1/items")) == sorted(item(number).code for number in range(5))


@pytest.mark.parametrize("robbed", ["ledger"], indirect=True)
def test_a_ledger_without_its_write_ahead_file_records_and_signs_nothing_and_no_channel_goes_back(robbed):
    before = robbed.get("web/v1/items").json()["items"]
    for go_on in (robbed.intake.reconcile, robbed.flow):
        with pytest.raises(TongyuanError, match="0 entries, but 5 are signed"):
            go_on()

    assert len(before) == 5
    assert robbed.ledger.entries(0, 10) == []
    assert robbed.get("web/v1/items").json()["items"] == before


@pytest.mark.parametrize("robbed", ["catalog"], indirect=True)
def test_what_a_source_without_its_write_ahead_file_releases_is_a_dead_letter_and_not_nowhere(robbed):
    anew = robbed.release(item(7))
    robbed.flow()

    assert anew.sequence == 1, "it counts from where it thinks it is"
    assert [message for message, _ in robbed.refused] == [f"{anew.key}/{anew.version}"]
    assert "restored to an earlier state" in robbed.refused[0][1]
    assert robbed.ledger.head().size == 5


@pytest.mark.parametrize("service", ["catalog", "ledger", "web"])
def test_an_embedded_county_whose_file_is_read_only_refuses_and_goes_on_when_it_is_not(tmp_path, service):
    with simulated(tmp_path) as run:
        run.honest = True
        run.edit(1, "release")
        run.county.flow()
        engine = run.county.dbs[service].engine
        read_only(engine, "ON")
        with pytest.raises(Unavailable, match="readonly"):
            release_many(run)
        run.look()
        assert run.county.get("web/v1/items").is_success
        read_only(engine, "OFF")
        run.restart()
        run.edit(2, "release")
        run.heal()

        judge(run.history)


def read_only(engine, switch):
    """SQLite's own switch, which ends in the very error of a file that may not be written: root may write any."""
    with_pragma(engine, "query_only", switch)
