"""Backup and restore of a county on PostgreSQL: every service's schema, put back whole or not at all."""

import psycopg
import pytest

from services.channels.trust.continuity import Halted
from services.ledger.signing.signed_head_store import WouldFork
from services.operations.archive.contents import BadArchive
from services.operations.backups.backup import backup
from services.runtime.settings import CountySettings
from shared.config import Settings
from shared.errors import Conflict
from tests.harness import backups as harness
from tests.harness.backups import silent
from tests.harness.pipeline import SERVICE, code_of, guide, item, pipeline, progress
from tests.harness.postgres_accounts import accounts

REGION = "339921000000"


@pytest.fixture
def place(postgres, database_url, tmp_path):
    """Settings of a county with four entries and its backup, made while it runs; a folder has the key."""
    settings = Settings(data_dir=tmp_path / "keys", region=REGION, database_url=postgres_url(database_url))
    with pipeline(database_url, tmp_path / "keys") as county:
        county.release(item(1))
        county.release(guide(1))
        county.release_case(progress())
        county.release(item(2))
        county.flow()
        done = backup(settings, tmp_path / "county.backup", silent)
    assert done.notes == []
    return settings, done


def postgres_url(url):
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def put_back(place, only=(), force=True, settings=None, done=None, **consent):
    done = done or place[1]
    return harness.put_back(settings or place[0], done.file, only, done.key, force=force, **consent)


def test_what_comes_back_is_what_was_there_and_what_was_replaced_is_kept(place, database_url, tmp_path):
    with pipeline(database_url, tmp_path / "keys") as county:
        cursor = county.get("web/v1/changes").json()["cursor"]
        digests = county.get("kiosk/v1/source").json()["digests"]
        county.release(item(7, "只在恢复之前"))
        county.flow()
    with pytest.raises(Conflict, match="--force"):
        put_back(place, force=False)
    with pytest.raises(Conflict, match="set this county back: 5 entries are signed here, but the backup has 4; ledger"):
        put_back(place)
    with pipeline(database_url, tmp_path / "keys") as county:
        assert county.get(f"web/v1/items/{code_of(7)}").status_code == 200
    done = put_back(place, set_back=True)

    (note,) = done.notes
    assert "the signer here has signed 5 entries, but the backup's newest head covers 4" in note
    with pipeline(database_url, tmp_path / "keys") as county:
        with pytest.raises(WouldFork):
            county.standing.sign()
        county.accept_ledger()
        county.flow()
        assert county.get("kiosk/v1/source").json()["digests"] == digests
        assert county.get("web/v1/changes", since=cursor).status_code == 410
        assert county.get(f"web/v1/items/{code_of(7)}").status_code == 404
        county.release(item(3))
        county.flow()
        assert county.get(f"web/v1/items/{code_of(3)}").status_code == 200
        assert [code_of(1)] == [one["code"] for one in county.get("web/v1/search", q="居民").json()["items"]][:1]
        assert all(county.rebuild(name).differences == [] for name in county.channels)
    with psycopg.connect(postgres_url(database_url)) as connection:
        kept = [
            name for (name,) in connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'ledger\\_%'")
        ]
        assert connection.execute(f"SELECT count(*) FROM {kept[0]}.entry").fetchone() == (5,)


def test_accounts_with_the_least_rights_restore_into_an_empty_database_and_back_it_up(place, postgres, tmp_path):
    name = postgres.create_database()
    urls = {f"{service}_database_url": url for service, url in accounts(postgres.url(name)).items()}
    least = CountySettings(data_dir=tmp_path / "other", region=REGION, **urls)
    put_back(place, settings=least, force=False)
    again = backup(least, tmp_path / "again.backup", silent)
    kept = put_back(place, settings=least, done=again).kept

    assert (tmp_path / "other" / "ledger-key.pem").stat().st_mode & 0o777 == 0o600
    assert again.manifest.marks == backup(least, tmp_path / "third.backup", silent).manifest.marks
    assert "schemas <service>_" in kept
    with psycopg.connect(postgres_url(urls["web_database_url"])) as connection:
        owners = "SELECT nspname FROM pg_namespace WHERE nspname = 'web' AND nspowner = 'web'::regrole"
        assert connection.execute(owners).fetchone() == ("web",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT count(*) FROM ledger.entry")
    postgres.drop_database(name)


def test_what_cannot_be_restored_changes_nothing_of_any_service(place, database_url, tmp_path):
    version = "UPDATE entry SET meta = replace(meta, :old, :new) WHERE position = 2"
    one, nine = '"version":1', '"version":9'
    with pipeline(database_url, tmp_path / "keys") as county:
        with pytest.raises(Conflict, match="stop every process first"):
            put_back(place)
        county.execute("ledger", version, old=one, new=nine)
        forged = backup(place[0], tmp_path / "forged.backup", silent)
        county.execute("ledger", version, old=nine, new=one)
        county.release(item(7))
        county.flow()

    with pytest.raises(BadArchive, match="yield a different root"):
        put_back(place, done=forged, set_back=True)
    with pytest.raises(BadArchive, match="mode: the backup is of a county on postgresql"):
        put_back(place, settings=Settings(data_dir=tmp_path / "lite", region=REGION))
    with pipeline(database_url, tmp_path / "keys") as county:
        assert [county.get(f"{name}/v1/position").json()["position"] for name in county.channels] == [5, 5, 5, 5]


def test_a_ledger_alone_restored_older_is_told_refused_by_channels_and_healed(place, database_url, tmp_path):
    with pipeline(database_url, tmp_path / "keys") as county:
        county.release(item(7))
        county.flow()
    notes = put_back(place, only=["ledger"], set_back=True).notes
    assert len(notes) == 5
    assert all("has applied 5 entries, but the ledger has 4" in note for note in notes[:4])
    assert "the signer here has signed 5 entries" in notes[4]

    with pipeline(database_url, tmp_path / "keys") as county:
        with pytest.raises(WouldFork, match="4 entries, but 5 are signed"):
            county.intake.reconcile()
        county.accept_ledger()
        county.intake.reconcile()
        for name in county.channels:
            with pytest.raises(Halted, match=r"4 entries|does not continue|entry 5 of the ledger"):
                county.channels[name].catch_up()
            assert county.get(f"{name}/v1/lineage", SERVICE).json()["halted"] is not None
            assert county.get(f"{name}/v1/items/{code_of(7)}").status_code == 200
