"""Personal data of applications are sealed: on disk, in backups, through the migration and key changes."""

from contextlib import closing
from hashlib import sha256
from pathlib import Path
from shutil import copy2

import orjson
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlmodel import select

from services.applications.commands import Applications
from services.applications.model import CaseRow, FactRow, RequestRow
from services.applications.privacy import key_rotation, sealing
from services.operations.backups.backup import ORDER, backup
from services.runtime.wiring import Wiring
from shared.config import Settings
from shared.database.engine import ROOT, Database
from shared.errors import Broken, Conflict, Unavailable
from shared.security.vault import Tampered, UnknownKey, Vault, make_keys
from tests.harness.actors import TESTER
from tests.harness.backups import contents, put_back
from tests.harness.cases import PROJECT_NO
from tests.harness.county_cases import CODE, ITEM, REGION, County, fact, hall
from tests.harness.traces_of_people import Search

PERSON = {"applicant": {"name": "欧阳试", "page_code": "440232195501012411"}, "project_name": "关于欧阳试的业务"}
TABLES = ("application", "fact", "request")
TOKENS = ("欧阳试", "440232195501012411", "来电说明")
REQUEST = "window-7/440232195501012411"


@pytest.fixture
def county(tmp_path: Path):
    with closing(County.embedded(tmp_path)) as opened:
        yield opened


def busy(county: County, number: str = PROJECT_NO) -> None:
    county.open(project_no=number, request_id=f"{REQUEST}/{number}", query_code=CODE, **PERSON)
    county.cases.record(
        TESTER, number, [fact("received", 12, number=number, explain="欧阳试来电说明", handle_user="欧阳试")]
    )


def traces(folder: Path) -> dict[str, set[str]]:
    search = Search(TOKENS)
    found = {file.name: search.tokens(file.read_bytes()) for file in folder.iterdir() if file.is_file()}
    return {name: tokens for name, tokens in found.items() if tokens}


def change(county: County, statement: str) -> None:
    with county.db.write() as session:
        assert session.connection().execute(text(statement)).rowcount == 1


def test_nothing_of_a_person_is_in_the_file_or_its_journal(county, tmp_path):
    busy(county)

    assert (tmp_path / "applications.db-wal").stat().st_size > 0
    assert traces(tmp_path) == {}
    assert all(Search(TOKENS).tokens("".join(county.opened(table)).encode()) for table in ("application", "fact"))


def test_a_digest_of_what_was_asked_for_can_be_tried_out_by_nobody(county):
    """A plain digest of name and number would be as good as the values themselves to anybody who can guess them."""
    busy(county)
    with county.db.read() as session:
        (row,) = session.exec(select(RequestRow)).all()
    (known,) = county.opened("request")

    assert row.request not in known
    assert row.content.startswith("1.")


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        (
            "UPDATE application SET personal = substr(personal, 1, 30) || 'AAAA' || substr(personal, 35)",
            "application.personal",
        ),
        ("UPDATE application SET personal = '{}'", "application.personal"),
        ("UPDATE fact SET document = document || 'AAAA'", "fact.document"),
        ("UPDATE fact SET document = (SELECT personal FROM application)", "fact.document"),
    ],
)
def test_a_tampered_value_is_refused_by_column_and_row_and_not_repeated(county, statement, place):
    busy(county)
    change(county, statement)

    with pytest.raises(Tampered, match=rf"{place} of row [0-9a-f]{{12}} ") as refused:
        county.opened(place.partition(".")[0])
    assert Search((*TOKENS, PROJECT_NO)).tokens(str(refused.value).encode()) == set()
    (bad,) = key_rotation.check(county.db).bad
    assert bad.startswith(str(refused.value)), "the check names it alike, and with its case"
    assert PROJECT_NO in bad


def test_a_value_of_one_case_opens_in_no_other(county):
    busy(county)
    busy(county, "37-2")
    change(
        county,
        "UPDATE application SET personal = (SELECT personal FROM application WHERE project_no <> '37-2') "
        "WHERE project_no = '37-2'",
    )

    assert len(key_rotation.check(county.db).bad) == 1


def test_a_tampered_case_holds_up_no_other(county):
    busy(county)
    change(county, "UPDATE fact SET document = 'x'")
    refused = county.take(hall("accept", 13, details={"accept_doc_no": "S-1"}), hall("jj", 12, number="37-2"))

    assert [(one.index, one.reason) for one in refused] == [(0, "cannot be processed: Tampered")]
    assert county.count("fact", "project_no = '37-2'") == 1


def test_another_key_says_what_is_missing_and_shows_nothing(county, tmp_path):
    busy(county)
    used = county.db.vault.ring()[0].key_id
    make_keys(tmp_path / "others")
    with closing(Database("applications", county.db.url, Vault(tmp_path / "others"))) as db, db.read() as session:
        row = session.get(CaseRow, PROJECT_NO)
        with pytest.raises(UnknownKey, match=rf"application\.personal of row \w+ is sealed with key {used}, which"):
            sealing.personal_of(session, row)


def test_while_a_key_is_away_messages_wait_and_none_is_refused(county):
    busy(county)
    aside = county.db.vault.path.rename(county.db.vault.path.with_name("away"))
    with pytest.raises(Unavailable):
        county.take(hall("accept", 13, details={"accept_doc_no": "S-1"}))
    aside.rename(county.db.vault.path)

    assert county.take(hall("accept", 13, details={"accept_doc_no": "S-1"})) == []


# Starting


def test_keys_are_made_once_and_never_in_place_of_lost_ones(county, tmp_path):
    busy(county)
    used = county.db.vault.ring()[0].key_id
    parts = Wiring(Settings(data_dir=tmp_path))
    parts.migrate("applications")
    assert county.db.vault.ring()[0].key_id == used

    (tmp_path / "personal-keys").unlink()
    with pytest.raises(Broken, match=f"sealed with key {used}, and .*personal-keys does not contain it"):
        parts.migrate("applications")
    assert not (tmp_path / "personal-keys").exists()
    parts.close()


def test_a_process_makes_no_keys_and_does_not_start_without(tmp_path):
    parts = Wiring(Settings(data_dir=tmp_path))
    with pytest.raises(Unavailable, match="personal-keys: No such file"):
        parts.require_keys("applications")
    assert not (tmp_path / "personal-keys").exists()
    parts.close()


# Backups


def test_a_backup_holds_neither_persons_nor_keys_and_says_so(county, tmp_path):
    settings = Settings(data_dir=tmp_path, region=REGION)
    busy(county)
    with closing(Wiring(settings)) as parts:
        for service in ORDER:
            parts.migrate(service)
    used = county.db.vault.ring()[0].key_id
    done = backup(settings, tmp_path / "county.tar.gz", lambda *_: None)

    assert f"personal data are sealed with key {used}, which is not in this backup: keep a copy of it" in done.notes
    search = Search([*TOKENS, (tmp_path / "personal-keys").read_text().split()[1]])
    assert {name for name, content in contents(done.file).items() if search.tokens(content)} == set()

    elsewhere = tmp_path / "elsewhere"
    back = put_back(Settings(data_dir=elsewhere, region=REGION), done.file, key=done.key)
    assert [note for note in back.notes if f"key {used}, and {elsewhere / 'personal-keys'} does not contain it" in note]
    with pytest.raises(Broken, match=used), closing(Wiring(Settings(data_dir=elsewhere, region=REGION))) as parts:
        parts.migrate("applications")
    (elsewhere / "personal-keys").write_bytes((tmp_path / "personal-keys").read_bytes())
    (elsewhere / "personal-keys").chmod(0o600)
    with closing(Wiring(Settings(data_dir=elsewhere, region=REGION))) as parts:
        parts.migrate("applications")
        assert key_rotation.check(parts.database("applications")).bad == []


# From an earlier version's store


@pytest.fixture
def old(tmp_path: Path):
    """A store as the version before left it: everything in plain text."""
    db = Database("applications", f"sqlite:///{tmp_path}/applications.db")
    with db.engine.connect() as connection:
        config = Config()
        config.set_main_option("script_location", str(ROOT / "services" / "applications" / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.commit()
    with closing(County.embedded(tmp_path / "now")) as county:
        for number in range(3):
            busy(county, f"37-{number}")
        with county.db.read() as session, db.write() as older:
            for case in session.exec(select(CaseRow)):
                known = sealing.personal_of(session, case)
                insert(older, case, personal=orjson.dumps(known).decode())
            for one in session.exec(select(FactRow)):
                insert(older, one, document=sealing.fact_of(session, one).model_dump_json(exclude_none=True))
            for request in session.exec(select(RequestRow)):
                content = sealing.content_of(session, request)
                insert(older, request, request=old_name(request.project_no), content=content)
        plain = {table: sorted(county.opened(table)) for table in TABLES}
    db.close()
    return plain


def old_name(number: str) -> str:
    """Return the name of a case's request in a store of before."""
    return sha256(f"{REQUEST}/{number}".encode()).hexdigest()


def insert(session, row, **plain):
    values = row.model_dump() | plain
    columns, bound = ", ".join(values), ", ".join(f":{name}" for name in values)
    session.connection().execute(text(f"INSERT INTO {row.__tablename__} ({columns}) VALUES ({bound})"), values)


def test_a_store_of_before_is_sealed_and_nothing_stays_in_its_files(old, tmp_path):
    assert traces(tmp_path)
    with closing(Wiring(Settings(data_dir=tmp_path))) as parts:
        parts.migrate("applications")

    assert traces(tmp_path) == {}
    with closing(County.embedded(tmp_path, calendar=False)) as county:
        assert {table: sorted(county.opened(table)) for table in TABLES} == old
        content = {"item_code": ITEM, "promise_day": 10, "project_no": "37-0", "query_code": CODE, **PERSON}
        again = county.cases.open_case(TESTER, {**content, "request_id": f"{REQUEST}/37-0"})
        assert (again.created, again.query_code) == (False, CODE), "the same request is known under its new name"


def test_without_keys_a_store_of_before_stays_as_it_is(old, tmp_path):
    db = Database("applications", f"sqlite:///{tmp_path}/applications.db")
    with pytest.raises(Unavailable, match="TONGYUAN_PERSONAL_KEY_FILE"):
        db.migrate("applications")
    with db.read() as session:
        assert (
            session.connection().execute(text("SELECT count(*) FROM application WHERE personal LIKE '{%'")).scalar()
            == 3
        )
    db.close()


def test_a_clean_up_that_was_interrupted_is_made_up_for_at_the_next_start(old, tmp_path):
    make_keys(tmp_path / "personal-keys")
    db = Database("applications", f"sqlite:///{tmp_path}/applications.db", Vault(tmp_path / "personal-keys"))
    db.migrate("applications")
    with db.read() as session:
        assert session.connection().execute(text("SELECT unclean FROM sealing_mark")).scalar()
    db.close()
    with closing(Wiring(Settings(data_dir=tmp_path))) as parts:
        parts.migrate("applications")
        with parts.database("applications").read() as session:
            assert not session.connection().execute(text("SELECT unclean FROM sealing_mark")).scalar()
    assert traces(tmp_path) == {}


# Key changes


def test_a_new_key_seals_everything_and_the_old_one_leaves_the_file(county):
    for number in range(5):
        busy(county, f"37-{number}")
    before = {table: sorted(county.opened(table)) for table in TABLES}
    old_key = county.db.vault.ring()[0]
    told: list[int] = []
    new, retired = key_rotation.change_key(county.db, told.append)

    assert (told[-1], retired) == (5, [old_key.key_id])
    assert [key.key_id for key in county.db.vault.ring()] == [new]
    assert {table: sorted(county.opened(table)) for table in TABLES} == before
    assert key_rotation.check(county.db).values == {new: 15}
    assert old_key.prefix.encode() not in b"".join(
        file.read_bytes() for file in county.db.vault.path.parent.glob("applications.db*")
    )


def test_a_request_is_known_after_its_key_has_changed(county):
    busy(county)
    key_rotation.change_key(county.db, lambda _: None)
    busy(county)

    assert county.count("request") == 1
    with pytest.raises(Conflict, match="was used for another request"):
        county.open(request_id=f"{REQUEST}/{PROJECT_NO}", project_name="另一件")


def test_an_interrupted_change_goes_on_with_the_same_key(county, monkeypatch):
    for number in range(5):
        busy(county, f"37-{number}")
    monkeypatch.setattr(key_rotation, "BATCH", 2)

    def stop(cases: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        key_rotation.change_key(county.db, stop)
    newest, oldest = county.db.vault.ring()
    assert set(key_rotation.check(county.db).values) == {newest.key_id, oldest.key_id}
    assert key_rotation.check(county.db).bad == [], "between the two, everything is read"
    busy(county, "37-9")

    assert key_rotation.change_key(county.db, lambda _: None) == (newest.key_id, [oldest.key_id])
    assert set(key_rotation.check(county.db).values) == {newest.key_id}


def test_while_keys_change_one_request_opens_one_case(county):
    """A process that has not seen the new key yet names the request by the old one only."""
    with county.db.read() as session:
        (old,) = sealing.request_names(session, f"{REQUEST}/{PROJECT_NO}")
    key_rotation.add_key(county.db.vault.path)
    busy(county)

    assert county.count("request", f"request = '{old}'") == 1, "its claim meets this row"
    key_rotation.change_key(county.db, lambda _: None)
    assert county.count("request") == 1


def test_an_old_key_stays_while_a_value_needs_it(county, tmp_path):
    busy(county, "37-5")
    late = Vault(Path(copy2(county.db.vault.path, tmp_path / "as-a-late-process-knows-them")))

    def open_an_earlier_case(done: int) -> None:
        with closing(Database("applications", f"sqlite:///{tmp_path}/applications.db", late)) as db:
            cases = Applications(db, REGION, clock=lambda: county.now)
            cases.open_case(
                TESTER, {"item_code": ITEM, "promise_day": 10, "project_no": "37-1", "query_code": CODE, **PERSON}
            )

    with pytest.raises(Conflict, match="sealed with an old key in the meantime"):
        key_rotation.change_key(county.db, open_an_earlier_case)
    assert len(county.db.vault.ring()) == 2
