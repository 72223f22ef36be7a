"""A restore that dies or fails at any step leaves the former county, or the restored one after the next start."""

import resource
import shutil
import signal

import pytest

from services.operations.backups.backup import NEEDED, backup
from services.operations.backups.file_swap import STAGED, STAGING, resume_restore
from services.operations.backups.store_copies import asking_sqlite
from services.operations.backups.store_status import marks_of
from shared.config import Settings
from shared.security.data_folder import tighten
from tests.harness.backups import contents, put_back, silent
from tests.harness.dying import calls_of, failing, killed_before
from tests.harness.pipeline import guide, item, pipeline, progress

# eventlet, which another test of this process may have imported, warns of every fork.
pytestmark = pytest.mark.filterwarnings(r"ignore:Using fork\(\) is a bad idea:DeprecationWarning")

REGION = "339921000000"
BEFORE, RESTORED = "before", "restored"
EVERY = 11
"""Of the steps that only unpack and check, every eleventh is killed."""


def settings_of(folder):
    return Settings(data_dir=folder, region=REGION)


def release(county, number):
    county.release(item(number))
    county.release(guide(number))
    county.release_case(progress(), project_no=f"37-2020-{number}")
    county.flow()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A county, and a backup of an earlier day of it, from which every store and token differs."""
    folder = tmp_path_factory.mktemp("county")
    with pipeline(folder / "data") as county:
        release(county, 1)
    token = folder / "data" / "admin-token"
    token.touch(mode=0o600)
    token.write_text(RESTORED)
    file = backup(settings_of(folder / "data"), folder / "county.backup", silent).file
    with pipeline(folder / "data") as county:
        release(county, 2)
    token.write_text(BEFORE)
    tighten(folder / "data")
    return folder / "data", file


@pytest.fixture
def folder(place, tmp_path):
    """The county, for a test to break."""
    return fresh(place, tmp_path / "data")


def fresh(place, folder):
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(place[0], folder)
    return folder


def decision(calls):
    """Return the step before which nothing has changed, and after which the backup is put in place."""
    (decided,) = [at for at, call in enumerate(calls) if call.startswith("os.rename") and call.endswith(f"/{STAGED}")]
    return decided


def restoring(folder, place):
    return lambda: put_back(settings_of(folder), place[1], force=True, set_back=True)


def content_of(folder):
    """Return every file of the county itself, byte for byte."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name != "lock"}


def day_of(folder, place):
    """Return of which day the county is. A mixture of two days, or neither, fails the test."""
    marks = {}
    for service in NEEDED:
        with asking_sqlite(folder / f"{service}.db") as ask:
            marks |= marks_of(service, ask)
    own = {name: mark for name, mark in marks.items() if "<" not in name and not name.endswith("backfill")}
    token = (folder / "admin-token").read_text()
    assert token in (BEFORE, RESTORED)
    wanted = {BEFORE: {3: 2, 6: 2}, RESTORED: {3: 1, 6: 1}}[token]
    size = 3 if token == RESTORED else 6
    assert own == {name: size if "/" not in name else wanted[size] for name in own}
    assert (folder / "ledger-key.pem").read_bytes() == contents(place[1])["keys/ledger-key.pem"]
    return token


def test_a_restore_that_is_killed_while_it_unpacks_and_looks_leaves_the_county_as_it_was(place, folder, tmp_path):
    calls = calls_of(restoring(folder, place), tmp_path / "calls")
    assert day_of(folder, place) == RESTORED
    decided = decision(calls)
    assert decided > 50

    untouched = content_of(fresh(place, folder))
    for number in range(decided + 1):
        if number % EVERY == 0 or number > decided - 4:
            killed_before(number, restoring(folder, place))
            assert content_of(folder) == untouched, calls[number]
            resume_restore(folder)
            assert day_of(folder, place) == BEFORE, calls[number]
            assert not (folder / STAGING).exists()


def test_a_restore_that_has_decided_is_finished_however_often_it_is_killed(place, folder, tmp_path):
    """At each step of putting in place, and again at a step of the start that completes it."""
    staged = fresh(place, tmp_path / "staged")
    decided = decision(calls_of(restoring(folder, place), tmp_path / "calls"))
    killed_before(decided + 1, restoring(staged, place))
    resuming = lambda: resume_restore(folder)  # noqa: E731  # run by a child, repeatedly
    fresh((staged,), folder)
    steps = len(calls_of(resuming, tmp_path / "steps"))
    assert steps > 30

    for number in range(steps):
        fresh((staged,), folder)
        killed_before(number, resuming)
        if number < steps - 12:
            killed_before(number % 5, resuming)
        resume_restore(folder)
        assert day_of(folder, place) == RESTORED, number
        assert {name for name in (STAGED, STAGING) if (folder / name).exists()} == set()


@pytest.mark.parametrize("most", [100, 1_000, 100_000])
def test_a_restore_whose_disk_is_full_leaves_the_county_as_it_was(place, folder, most):
    """A limit on file size gives the same error as a full disk: a write that fails."""

    def full():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    before = content_of(folder)
    assert failing(restoring(folder, place), full) == 1
    assert content_of(folder) == before
    assert not (folder / STAGING).exists()
    assert failing(restoring(folder, place), lambda: None) == 0, "and when there is room, it is done"
    assert day_of(folder, place) == RESTORED


def test_a_backup_that_is_killed_leaves_nothing_that_the_next_one_does_not_remove(place, folder, tmp_path):
    target = tmp_path / "target"
    target.mkdir()

    def action():
        return backup(settings_of(folder), target / "county.backup", silent)

    calls = calls_of(action, tmp_path / "calls")
    (target / "county.backup").unlink()
    before = content_of(folder)
    for number in range(len(calls) // 2, len(calls), 9):
        killed_before(number, action)
        whole = [path.name for path in target.iterdir() if not path.name.startswith(".")]
        assert whole in ([], ["county.backup"])
    assert content_of(folder) == before
    done = action()
    assert [path.name for path in target.iterdir()] == ["county.backup"]
    assert {"keys/ledger-key.pem", "keys/admin-token"} <= contents(done.file).keys()
