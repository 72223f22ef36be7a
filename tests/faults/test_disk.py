"""A disk that is full: no acknowledgement without a commit, nothing half-done, and on it goes when there is room."""

import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event

from shared.errors import TongyuanError, Unavailable
from tests.harness.invariants import judge
from tests.harness.pipeline import item, pipeline
from tests.harness.postgres import PrivatePostgres, server_folder
from tests.harness.rabbitmq import wait_until
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
    engine.dispose()

    def limit(connection, _record):
        connection.execute(f"PRAGMA max_page_count={pages}")

    for former in getattr(engine, "limits_of_this_test", []):
        event.remove(engine, "connect", former)
    engine.limits_of_this_test = [limit]
    event.listen(engine, "connect", limit)


@contextmanager
def small_disk(folder: Path, size: str):
    """A file system of its own; mounting one needs root."""
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
    with server_folder() as place, small_disk(place / "disk", "120m") as disk:
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
                wait_until(lambda: released(county, 500), "it does not come back", 60)
                county.intake.reconcile()
                county.flow()

                keys = {entry.key for entry in county.ledger.entries(0, 1000)}
                assert {f"item:{item(number).code}" for number in acknowledged | {500}} <= keys
        finally:
            server.kill()


def released(county, number):
    try:
        county.release(item(number, "很长的名称" * 40))
    except TongyuanError:
        return False
    return True


def fill(file):
    """Until nothing more fits."""
    with file.open("wb") as ballast:
        try:
            while True:
                ballast.write(b"0" * 65536)
                ballast.flush()
        except OSError:
            return
