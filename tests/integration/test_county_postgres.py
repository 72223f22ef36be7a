"""In production each service has a store of its own, and each one says for itself which county it belongs to."""

import signal
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.cli.app import app
from services.demo import content
from services.runtime import county_birth, county_check
from services.runtime.county_check import CountyGate
from services.runtime.manifests import SERVICES
from services.runtime.wiring import Wiring
from shared.config import Settings, SettingsError
from shared.county.identity import Identity
from shared.county.store import known
from shared.database.engine import Database
from shared.errors import Unavailable
from shared.publishing.editions import Period
from tests.harness.actors import TESTER
from tests.harness.before_identity import BEFORE, put_back

pytestmark = [pytest.mark.servers]

RUYUAN = {"TONGYUAN_REGION": "440232000000", "TONGYUAN_COUNTY": "乳源瑶族自治县"}
EXAMPLE = {"TONGYUAN_REGION": "339921000000", "TONGYUAN_COUNTY": "云溪县"}


class Place:
    """A database, and the command line that is given its address."""

    def __init__(self, folder: Path, url: str) -> None:
        self.env = {"TONGYUAN_DATA_DIR": str(folder), "TONGYUAN_DATABASE_URL": url}
        self.settings = Settings(data_dir=folder, database_url=url, region="440232000000", county="乳源瑶族自治县")

    def run(self, *arguments: str, **env: str) -> Any:
        return CliRunner(env={**self.env, **RUYUAN, **env}).invoke(app, list(arguments))

    def stored(self) -> dict[str, Identity | None]:
        with closing(Wiring(self.settings)) as wiring:
            return {service: known(wiring.database(service)) for service in SERVICES}

    def database(self, service: str) -> Database:
        return Database(service, self.settings.database_url_for(service))

    def as_an_earlier_version_left_it(self) -> None:
        for service in SERVICES:
            with closing(self.database(service)) as db, db.engine.begin() as connection:
                put_back(connection, service, BEFORE[service])


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Place:
    return Place(tmp_path, database_url)


@pytest.fixture
def migrated(place: Place) -> Place:
    done = place.run("migrate")
    assert done.exit_code == 0, done.output
    return place


def release_an_item(place: Place) -> None:
    item = content.items()[0]
    with closing(Wiring(place.settings)) as wiring:
        wiring.require_keys("catalog")
        wiring.catalog.save_item(TESTER, item.code, item.model_dump(mode="json"), None)
        wiring.catalog.release_item(TESTER, item.code, Period(), None)


def test_migrate_writes_the_county_into_every_store(migrated: Place) -> None:
    wanted = Identity("440232000000", "tongyuan/440232000000", "乳源瑶族自治县", demo=False)
    assert migrated.stored() == dict.fromkeys(SERVICES, wanted)


@pytest.mark.parametrize(
    ("env", "said"),
    [
        (EXAMPLE, "belongs to 440232000000 乳源瑶族自治县, not 339921000000 云溪县"),
        ({"TONGYUAN_ORIGIN": "another.example/log"}, "the log tongyuan/440232000000, not the log another.example/log"),
        ({"TONGYUAN_COUNTY": "乳源市"}, "tongyuan county rename 乳源市"),
    ],
)
def test_migrate_as_another_county_is_refused(migrated: Place, env: dict[str, str], said: str) -> None:
    before = migrated.stored()
    for services in ((), ("guides",)):
        done = migrated.run("migrate", *services, **env)
        assert done.exit_code == 2
        assert said in done.stderr
    assert migrated.stored() == before


@pytest.mark.parametrize("service", ["catalog", "ledger", "web", "auditor"])
def test_a_process_of_another_county_does_not_start(migrated: Place, service: str) -> None:
    other = migrated.settings.model_copy(update={"region": "339921000000", "county": "云溪县"})
    with (
        closing(migrated.database(service)) as db,
        pytest.raises(SettingsError, match=f"TONGYUAN_REGION: the store of {service} belongs to 440232000000"),
    ):
        CountyGate(db, other).look()


class AfterOneTry(threading.Event):
    """Somebody who is told to stop, and does something about the store in place of the first pause."""

    def __init__(self, mend: Callable[[], None]) -> None:
        super().__init__()
        self._mend, self.waited = mend, 0

    def wait(self, timeout: float | None = None) -> bool:
        self.waited += 1
        self._mend()
        return False


def test_a_process_waits_for_a_store_that_is_not_migrated_yet(place: Place) -> None:
    def migrate() -> None:
        assert place.run("migrate", "web").exit_code == 0

    said: list[Identity] = []
    stop = AfterOneTry(migrate)
    with closing(place.database("web")) as db:
        gate = CountyGate(db, place.settings, said.append)
        gate.wait(stop)

    assert (gate.is_open, stop.waited, said[0].county) == (True, 1, "乳源瑶族自治县")


def test_a_process_waits_for_a_database_that_is_away(migrated: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_db: Database, _wanted: Identity) -> Identity:
        raise Unavailable("database: connection refused")

    monkeypatch.setattr(county_check, "require_own", away)
    stop = AfterOneTry(monkeypatch.undo)
    with closing(migrated.database("web")) as db:
        gate = CountyGate(db, migrated.settings)
        assert not gate.look()
        gate.wait(stop)

    assert (gate.is_open, stop.waited) == (True, 1)


def test_a_server_ends_with_the_reason_when_its_store_turns_out_to_be_another_countys(
    migrated: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(county_check.os, "kill", lambda _process, number: ended.append(number))
    other = migrated.settings.model_copy(update={"region": "339921000000", "county": "云溪县"})
    with closing(migrated.database("web")) as db:
        gate = CountyGate(db, other)
        gate.watch(threading.Event())

    assert (ended, gate.is_open) == ([signal.SIGTERM], False)
    with pytest.raises(SettingsError, match="the store of web belongs to 440232000000"):
        gate.require()


def test_an_older_county_is_marked_from_what_it_released(migrated: Place) -> None:
    release_an_item(migrated)
    migrated.as_an_earlier_version_left_it()
    refused = migrated.run("migrate", **EXAMPLE)
    assert refused.exit_code == 2
    assert "the store of catalog belongs to 440232000000, not 339921000000 云溪县" in refused.stderr
    assert migrated.stored() == dict.fromkeys(SERVICES)

    assert migrated.run("migrate").exit_code == 0
    assert {county.title for county in migrated.stored().values() if county} == {"440232000000 乳源瑶族自治县"}


def test_one_services_store_tells_by_itself_when_it_is_migrated_alone(migrated: Place) -> None:
    release_an_item(migrated)
    migrated.as_an_earlier_version_left_it()
    assert migrated.run("migrate", "catalog", **EXAMPLE).exit_code == 2
    assert migrated.run("migrate", "catalog").exit_code == 0


def test_a_renamed_county_starts_under_its_new_name_only(migrated: Place) -> None:
    done = migrated.run("county", "rename", "乳源市")
    assert done.exit_code == 0, done.output
    assert migrated.run("migrate").exit_code == 2
    assert migrated.run("migrate", TONGYUAN_COUNTY="乳源市").exit_code == 0


def test_no_county_is_renamed_before_it_is_born(place: Place) -> None:
    done = place.run("county", "rename", "乳源市")
    assert done.exit_code == 1
    assert "tongyuan migrate" in done.stderr


def test_a_production_county_is_never_taken_for_a_demonstration(migrated: Place) -> None:
    with closing(Wiring(migrated.settings)) as wiring:
        assert county_birth.county_of(wiring, SERVICES).demo is False
