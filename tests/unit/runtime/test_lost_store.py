"""One SQLite file of an embedded county is lost or damaged: what is refused, made anew, put back from a backup."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from contracts.content.items import Item
from services.demo import content
from services.operations.backups.backup import backup
from services.operations.backups.restore import Consent, restore
from services.runtime.embedded import Embedded
from shared.config import Settings, SettingsError
from shared.errors import Unavailable
from shared.publishing.editions import Period
from tests.harness.actors import TESTER

ITEM, LATER = content.items()[:2]
PAGE = 4096


def settings_of(folder: Path) -> Settings:
    return Settings(data_dir=folder)


@contextmanager
def started(folder: Path) -> Iterator[Embedded]:
    """A county as `up` starts it, without its threads."""
    with closing(Embedded(settings_of(folder))) as county:
        yield county


def catch_up(county: Embedded) -> None:
    county.intake.reconcile()
    county.wiring.signing_guard.sign()
    for channel in county.channels.values():
        channel.channel.reconcile()


def release(county: Embedded, item: Item) -> None:
    county.wiring.catalog.save_item(TESTER, item.code, item.model_dump(mode="json"), None)
    county.wiring.catalog.release_item(TESTER, item.code, Period(), None)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folder of a county that has recorded one release, and its backup."""
    folder = tmp_path_factory.mktemp("county") / "data"
    with started(folder) as county:
        county.wiring.catalog.save_directory(TESTER, content.directory())
        release(county, ITEM)
        catch_up(county)
    file = folder.parent / "county.backup"
    backup(settings_of(folder), file, lambda _what, _number: None)
    return folder, file


@pytest.fixture
def folder(sound: tuple[Path, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound[0], tmp_path / "data"))


def lose(folder: Path, service: str) -> None:
    for file in folder.glob(f"{service}.db*"):
        file.unlink()


def shown(county: Embedded, channel: str) -> int:
    return county.channels[channel].channel.position()


@pytest.mark.parametrize("service", ["catalog", "ledger"])
@pytest.mark.parametrize("left", ["nothing", "an empty file"])
def test_a_county_does_not_start_without_a_store_that_it_recorded_from(folder: Path, service: str, left: str) -> None:
    lose(folder, service)
    file = folder / f"{service}.db"
    if left == "an empty file":
        file.touch()
    before = sorted(path.name for path in folder.iterdir())

    with pytest.raises(SettingsError) as refused, started(folder):
        pass

    said = str(refused.value)
    assert said.startswith(f"TONGYUAN_DATA_DIR: {file} is missing")
    assert "docs/operating/one-store.md" in said
    made = {path.name for path in folder.iterdir()} - set(before)
    assert not {name for name in made if name.startswith(service)}


def test_an_interrupted_first_start_is_no_loss(tmp_path: Path) -> None:
    with started(tmp_path / "data"):
        pass
    lose(tmp_path / "data", "catalog")
    with started(tmp_path / "data") as county:
        assert county.county.region


@pytest.mark.parametrize("service", ["web", "auditor"])
def test_a_store_that_follows_the_ledger_is_made_anew_from_it(folder: Path, service: str) -> None:
    lose(folder, service)
    with started(folder) as county:
        catch_up(county)
        assert shown(county, "web") == shown(county, "mobile") > 0


@pytest.mark.parametrize("service", ["catalog", "ledger", "kiosk"])
def test_a_lost_store_is_put_back_from_a_backup_and_the_county_goes_on(
    sound: tuple[Path, Path], folder: Path, service: str
) -> None:
    lose(folder, service)
    restore(settings_of(folder), sound[1], [service], lambda _what, _number: None, Consent(force=True))

    with started(folder) as county:
        catch_up(county)
        positions = {shown(county, channel) for channel in county.channels}
        assert len(positions) == 1
        release(county, LATER)
        catch_up(county)
        assert shown(county, "web") == positions.pop() + 1


@pytest.mark.parametrize("service", ["catalog", "ledger", "web", "auditor"])
@pytest.mark.parametrize("where", ["the beginning", "the middle"])
def test_a_damaged_store_stops_the_start_by_its_file_and_is_left_as_it_is(
    folder: Path, service: str, where: str
) -> None:
    file = folder / f"{service}.db"
    content_ = bytearray(file.read_bytes())
    start, end = (0, PAGE) if where == "the beginning" else (PAGE, len(content_))
    content_[start:end] = b"\xa5" * (end - start)
    file.write_bytes(content_)

    with pytest.raises(Unavailable) as refused, started(folder):
        pass

    assert f"{file} is damaged" in str(refused.value)
    assert "docs/operating/one-store.md" in str(refused.value)
    assert file.read_bytes() == bytes(content_)
