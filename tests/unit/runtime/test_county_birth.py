"""A store belongs to one county from its creation; a start as another county changes nothing and says what to do."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.cli.app import app
from services.demo import content
from services.runtime.embedded import Embedded
from services.runtime.manifests import SERVICES
from shared.config import Settings, SettingsError
from shared.county import store
from shared.county.identity import Identity
from shared.county.store import IdentityRow
from shared.database.engine import Database
from shared.publishing.editions import Period
from tests.harness.actors import TESTER
from tests.harness.before_identity import BEFORE, put_back

RUYUAN = {"region": "440232000000", "county": "乳源瑶族自治县"}
DEMO = content.county()


def settings_of(folder: Path, **settings: Any) -> Settings:
    return Settings(data_dir=folder, **settings)


@contextmanager
def county_of(folder: Path, *, demo: bool = False, **settings: Any) -> Iterator[Embedded]:
    """A county as `up` starts it, without its threads."""
    with closing(Embedded(settings_of(folder, **settings), demo=demo)) as county:
        yield county


def refusal(folder: Path, *, demo: bool = False, **settings: Any) -> str:
    """Return the message of a refused start; it must have changed no byte of any store."""
    before = contents(folder)
    with pytest.raises(SettingsError) as refused, county_of(folder, demo=demo, **settings):
        pass
    assert contents(folder) == before
    return str(refused.value)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.glob("*.db")}


def named(folder: Path) -> dict[str, Identity | None]:
    """Return the identity in every store."""
    found = {}
    for service in SERVICES:
        with closing(Database(service, f"sqlite:///{folder}/{service}.db")) as db:
            found[service] = store.known(db)
    return found


def release_a_demo_item(county: Embedded) -> None:
    item = content.items()[0]
    county.wiring.catalog.save_directory(TESTER, content.directory())
    county.wiring.catalog.save_item(TESTER, item.code, item.model_dump(mode="json"), None)
    county.wiring.catalog.release_item(TESTER, item.code, Period(), None)


def as_an_earlier_version_left_it(folder: Path) -> None:
    """Make the stores name no county."""
    for service in SERVICES:
        with closing(Database(service, f"sqlite:///{folder}/{service}.db")) as db, db.engine.begin() as connection:
            put_back(connection, service, BEFORE[service])


@pytest.fixture(scope="module")
def born(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real county that has run: it has signed a head and released nothing."""
    folder = tmp_path_factory.mktemp("ruyuan")
    with county_of(folder, **RUYUAN) as county:
        county.reconcile()
    return folder


@pytest.fixture
def ruyuan(born: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(born, tmp_path / "ruyuan"))


@pytest.fixture(scope="module")
def born_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo that has run, with one of its items."""
    folder = tmp_path_factory.mktemp("demo")
    with county_of(folder, demo=True) as county:
        release_a_demo_item(county)
        county.reconcile()
    return folder


@pytest.fixture
def demo(born_demo: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(born_demo, tmp_path / "demo"))


# birth


def test_every_store_names_the_county_from_its_birth(ruyuan: Path) -> None:
    wanted = Identity("440232000000", "tongyuan/440232000000", "乳源瑶族自治县", demo=False)
    assert named(ruyuan) == dict.fromkeys(SERVICES, wanted)


def test_a_folder_with_a_token_and_a_lock_only_is_not_born(tmp_path: Path) -> None:
    (tmp_path / "admin-token").write_text("secret")
    (tmp_path / "admin-token").chmod(0o600)
    (tmp_path / "lock").touch()
    with county_of(tmp_path, demo=True) as county:
        assert county.county.demo is True


def test_a_birth_that_was_interrupted_goes_on_as_it_began(ruyuan: Path) -> None:
    for service in SERVICES[1:]:
        (ruyuan / f"{service}.db").unlink()
    assert "was not created as a demonstration" in refusal(ruyuan, demo=True, **RUYUAN)
    with county_of(ruyuan, **RUYUAN):
        pass
    assert {county.region for county in named(ruyuan).values() if county} == {"440232000000"}


def test_a_refused_birth_leaves_nothing_in_the_folder(tmp_path: Path) -> None:
    said = refusal(tmp_path, demo=True, **RUYUAN)
    assert "the demonstration is of 339921000000 云溪县, not of 440232000000 乳源瑶族自治县" in said
    assert "--no-demo" in said
    assert [file.name for file in tmp_path.iterdir()] == ["lock"]


# another county


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, ("TONGYUAN_REGION", "440232000000 乳源瑶族自治县", "339921000000 云溪县", "TONGYUAN_REGION=440232000000")),
        (
            {"region": "440233000000", "county": "新丰县"},
            ("TONGYUAN_REGION", "440232000000 乳源瑶族自治县", "440233000000 新丰县", "TONGYUAN_COUNTY=乳源瑶族自治县"),
        ),
        (
            {**RUYUAN, "origin": "another.example/log"},
            (
                "TONGYUAN_ORIGIN",
                "tongyuan/440232000000",
                "another.example/log",
                "TONGYUAN_ORIGIN=tongyuan/440232000000",
            ),
        ),
        (
            {**RUYUAN, "county": "乳源县"},
            ("TONGYUAN_COUNTY", "乳源瑶族自治县", "not 乳源县", "tongyuan county rename 乳源县"),
        ),
        ({"region": "440232000000"}, ("TONGYUAN_COUNTY", "乳源瑶族自治县", "TONGYUAN_COUNTY=乳源瑶族自治县")),
    ],
)
def test_a_start_as_another_county_is_refused_with_both_values_and_the_remedy(
    ruyuan: Path, settings: dict[str, str], said: tuple[str, ...]
) -> None:
    reason = refusal(ruyuan, **settings)
    assert "\n" not in reason
    for part in said:
        assert part in reason


def test_a_store_of_another_county_among_ours_is_named(ruyuan: Path, demo: Path) -> None:
    shutil.copyfile(demo / "guides.db", ruyuan / "guides.db")
    said = refusal(ruyuan, **RUYUAN)
    assert "the store of guides belongs to 339921000000 云溪县（演示）, not 440232000000 乳源瑶族自治县" in said


def test_a_store_of_a_demonstration_among_those_of_a_real_county_is_found(demo: Path, tmp_path: Path) -> None:
    with county_of(tmp_path / "real"):
        pass
    shutil.copyfile(demo / "guides.db", tmp_path / "real" / "guides.db")
    assert "some of its stores belong to a demonstration" in refusal(tmp_path / "real")


def test_a_name_that_was_not_stated_at_birth_is_unknown_until_it_is_stated(tmp_path: Path) -> None:
    with county_of(tmp_path, region="440232000000") as county:
        assert county.county.county is None
        assert county.settings.county == "440232000000", "the example county's name is not this county's"
    with county_of(tmp_path, **RUYUAN):
        pass
    assert {county.county for county in named(tmp_path).values() if county} == {"乳源瑶族自治县"}


# the demonstration


def test_the_demonstration_never_enters_a_real_county(ruyuan: Path) -> None:
    said = refusal(ruyuan, demo=True, **RUYUAN)
    assert said.startswith("--demo: ")
    assert "--no-demo" in said


def test_a_demonstration_that_goes_on_without_its_life_is_still_one(demo: Path) -> None:
    with county_of(demo) as county:
        assert county.county.demo is True
        assert county.county.title == "339921000000 云溪县（演示）"
    with county_of(demo, demo=True) as county:
        assert county.county.demo is True


# stores of an earlier version


def test_an_older_county_without_releases_is_known_by_its_log(ruyuan: Path) -> None:
    as_an_earlier_version_left_it(ruyuan)
    assert "belongs to 440232000000, not 339921000000 云溪县" in refusal(ruyuan)
    assert "was not created as a demonstration" in refusal(ruyuan, demo=True, **RUYUAN)
    with county_of(ruyuan, **RUYUAN):
        pass
    assert {(county.region, county.county) for county in named(ruyuan).values() if county} == {
        ("440232000000", "乳源瑶族自治县")
    }


def test_an_older_demonstration_is_known_by_its_items(demo: Path) -> None:
    as_an_earlier_version_left_it(demo)
    with county_of(demo) as county:
        assert county.county.demo is True


def test_an_older_county_that_up_filled_with_the_demonstration_by_itself_is_one(tmp_path: Path) -> None:
    """As an earlier version did with any empty county, under whatever region."""
    with county_of(tmp_path, **RUYUAN) as county:
        release_a_demo_item(county)
        county.reconcile()
    as_an_earlier_version_left_it(tmp_path)
    with county_of(tmp_path, **RUYUAN) as county:
        assert county.county.title == "440232000000 乳源瑶族自治县（演示）"
    assert "the demonstration is of 339921000000 云溪县" in refusal(tmp_path, demo=True, **RUYUAN)


def test_an_older_real_county_is_no_demonstration_even_under_the_region_of_one(tmp_path: Path) -> None:
    with county_of(tmp_path) as county:
        county.reconcile()
    as_an_earlier_version_left_it(tmp_path)
    assert "was not created as a demonstration" in refusal(tmp_path, demo=True)


def test_an_older_source_is_known_by_what_it_released(demo: Path, tmp_path: Path) -> None:
    as_an_earlier_version_left_it(demo)
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copyfile(demo / "catalog.db", alone / "catalog.db")
    assert "the store of catalog belongs to 339921000000（演示）, not 440232000000" in refusal(alone, **RUYUAN)


# a new name


def rename(folder: Path, name: str, **env: str) -> Any:
    settings = {"TONGYUAN_REGION": "440232000000", **env}
    return CliRunner(env=settings).invoke(app, ["county", "rename", name, "--data-dir", str(folder)])


def test_a_county_that_was_renamed_goes_on_under_its_new_name_and_remembers_the_former(ruyuan: Path) -> None:
    done = rename(ruyuan, "乳源市")
    assert done.exit_code == 0, done.output
    assert "TONGYUAN_COUNTY=乳源市" in done.output
    assert "乳源市, not 乳源瑶族自治县" in refusal(ruyuan, **RUYUAN)
    with (
        county_of(ruyuan, **{**RUYUAN, "county": "乳源市"}) as county,
        county.wiring.database("web").read() as session,
    ):
        row = session.get(IdentityRow, store.ONLY)
        assert row is not None
        assert row.former.startswith("乳源瑶族自治县 ")


def test_a_rename_that_was_interrupted_is_finished_by_saying_it_again(ruyuan: Path) -> None:
    with closing(Database("catalog", f"sqlite:///{ruyuan}/catalog.db")) as db, db.write() as session:
        store.rename(session, "乳源市")
    assert "tongyuan county rename" in refusal(ruyuan, **RUYUAN)
    assert rename(ruyuan, "乳源市").exit_code == 0
    assert {county.county for county in named(ruyuan).values() if county} == {"乳源市"}


def test_another_countys_stores_are_not_renamed(ruyuan: Path) -> None:
    before = contents(ruyuan)
    done = rename(ruyuan, "新丰县", TONGYUAN_REGION="440233000000")
    assert done.exit_code == 2
    assert "belongs to 440232000000" in done.stderr
    assert contents(ruyuan) == before


def test_a_county_that_runs_is_not_renamed(ruyuan: Path) -> None:
    with county_of(ruyuan, **RUYUAN):
        done = rename(ruyuan, "乳源市")
    assert done.exit_code == 1
    assert "stop it first" in done.stderr


@pytest.mark.parametrize("name", ["", " ", "乳\n源", "长" * 201])
def test_what_is_no_name_is_refused(ruyuan: Path, name: str) -> None:
    assert rename(ruyuan, name).exit_code == 2
