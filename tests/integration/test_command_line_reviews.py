"""`tongyuan reviews` and `tongyuan import --submit` in a county of five gates, as people of the desk use them."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.base import format_time
from contracts.content.gates import Gate
from services.console.accounts.model import ApiTokenRow
from services.console.accounts.people import list_text, new_account
from services.console.accounts.rights import TOKEN_PREFIX
from services.console.accounts.sessions import hash_of
from services.demo import content
from services.exchange.items.item_rows import ReleasedItem
from services.exchange.standards.facts import facts_of
from services.exchange.standards.formats import Format, written
from shared.database.engine import Database
from shared.tokens.person import Person, StaffRole
from tests.harness.command import PROBLEM, USAGE, WELL, Done, tongyuan
from tests.harness.county import EmbeddedCounty, running
from tests.harness.pipeline import code_of
from tests.integration.test_command_line import row

pytestmark = [pytest.mark.xdist_group("command-line"), pytest.mark.timeout(600)]

REVIEWERS = [StaffRole.reviewer_of(gate) for gate in Gate]
PEOPLE = {
    "liu.editor": [StaffRole.EDITOR],
    "ma.releaser": [StaffRole.RELEASER],
    "fu.reviewer": REVIEWERS,
    "shen.reviewer": REVIEWERS,
}


def listed(number: int) -> dict[str, str]:
    """A row of the 基本目录 for the item of that number."""
    return {"catalog_code": code_of(number)[19:], "task_name": f"第{number}号事项", "task_type": "07", "use_level": "4"}


def write(file: Path, *numbers: int) -> None:
    rows = [*map(listed, numbers), *map(row, numbers)]
    file.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in rows), encoding="utf-8")


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCounty]:
    folder = tmp_path_factory.mktemp("five")
    with running(EmbeddedCounty(folder, env={"TONGYUAN_HEAD_INTERVAL": "0.5", "TONGYUAN_REVIEW": "five"})) as made:
        with closing(Database("console", f"sqlite:///{folder}/data/console.db")) as db:
            for name, roles in PEOPLE.items():
                (folder / name).write_text(own_token(db, name, roles))
        yield made


def own_token(db: Database, name: str, roles: list[StaffRole]) -> str:
    """Give somebody an account and a token of their own; return the token."""
    token, now = f"{TOKEN_PREFIX}of-{name}-{'x' * 20}", datetime.now(UTC)
    until = format_time(now + timedelta(days=1))
    with db.write() as session:
        session.add(new_account(Person(name, name, frozenset(roles)), "turnip lantern quarry", one_time=False))
        given = {"roles": list_text(roles), "created_at": format_time(now), "expires_at": until}
        session.add(ApiTokenRow(account=name, title="tests", token_hash=hash_of(token), **given))
    return token


def reviews(county: EmbeddedCounty, name: str, *arguments: object) -> Done:
    return tongyuan(county, "reviews", *arguments, "--token-file", county.folder / name)


def approve(county: EmbeddedCounty, review: str) -> None:
    """Sign all gates with reasons for every finding, by two persons."""
    told = reviews(county, "fu.reviewer", "show", review, "--json").json
    for number, gate in enumerate(Gate):
        found = [f"--override={one['id']}=核对过" for one in told["findings"] if one["gate"] == gate]
        name = "fu.reviewer" if number % 2 else "shen.reviewer"
        done = reviews(county, name, "sign", review, gate, "--digest", told["digest"][:12], *found)
        assert done.code == WELL, done.err


def list_directory(county: EmbeddedCounty) -> None:
    """Give the county the 基本目录 of the demo."""
    directory = [one.model_dump(mode="json") for one in content.directory()]
    assert county.http("catalog").put("/catalog/v1/directory", json=directory).is_success


def saved(county: EmbeddedCounty) -> str:
    """Save an item; return its key."""
    list_directory(county)
    item = content.items()[0]
    assert county.http("catalog").put(f"/catalog/v1/items/{item.code}", json=item.model_dump(mode="json")).is_success
    return f"item:{item.code}"


def test_a_draft_is_submitted_read_signed_and_taken_back_from_the_command_line(county: EmbeddedCounty) -> None:
    key = saved(county)

    done = reviews(county, "liu.editor", "submit", key, "--from", "2099-03-01T08:00", "--note", "新办法施行")
    assert done.code == WELL, done.err
    review = done.out.split()[0]
    assert "open: 政治关、法律关、政策关、保密关、文字关" in done.out
    assert review in reviews(county, "fu.reviewer", "list", "--gate", "legal").out
    shown = reviews(county, "fu.reviewer", "show", review)
    assert f"release {key}" in shown.out
    assert "from 2099-03-01T00:00:00" in shown.out

    blind = reviews(county, "fu.reviewer", "sign", review, "legal")
    assert (blind.code, "name what you have read" in blind.err) == (PROBLEM, True)
    author = reviews(county, "liu.editor", "sign", review, "legal", "--digest", shown.out.split("digest ")[1][:16])
    assert author.code == PROBLEM
    approve(county, review)
    assert "approved" in reviews(county, "fu.reviewer", "show", review).out
    assert reviews(county, "liu.editor", "withdraw", review).code == WELL
    assert reviews(county, "liu.editor", "list", "--state", "approved").out.strip() == "no review is approved"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "7"), "catalog/12"),
        (("submit", "application:1"), "item:CODE or guide:CODE"),
        (("submit", "item:" + "1" * 31, "--from", "tomorrow"), "--from tomorrow"),
        (("sign", "catalog/1", "legal", "--override", "x"), "FINDING=REASON"),
    ],
)
def test_what_cannot_be_meant_is_said_with_what_to_write(
    county: EmbeddedCounty, arguments: tuple[str, ...], said: str
) -> None:
    done = reviews(county, "liu.editor", *arguments)

    assert done.code == USAGE
    assert said in done.complaint


def test_without_a_token_of_ones_own_nothing_is_read_or_signed(county: EmbeddedCounty) -> None:
    done = tongyuan(county, "reviews", "list")

    assert done.code == USAGE
    assert "--token-file" in done.complaint


def test_an_import_is_submitted_signed_and_carried_out_exactly_as_it_was_signed(
    county: EmbeddedCounty, tmp_path: Path
) -> None:
    file = tmp_path / "rows.jsonl"
    write(file, 100, 101)
    importing = ("import", file, "--format", "up-task")

    first = tongyuan(county, *importing)
    assert first.code == PROBLEM
    assert "--submit" in first.err
    with closing(sqlite3.connect(county.folder / "data" / "catalog.db")) as store:
        found = store.execute("SELECT count(*) FROM directory WHERE catalog_code = ?", (code_of(100)[19:],))
        assert found.fetchall() == [(0,)]
    assert tongyuan(county, *importing, "--preview").out.startswith("4 rows")

    sent = tongyuan(county, *importing, "--submit", "--note", "县里的清单", "--json")
    assert sent.code == WELL, sent.err
    names = [f"{source}/{number}" for source, number in sent.json["reviews"].items()]
    assert len(names) == 2
    early = tongyuan(county, *importing)
    assert (early.code, "什么都没有改" in early.err) == (PROBLEM, True)
    for one in names:
        approve(county, one)

    write(file, 100, 102)
    other = tongyuan(county, *importing)
    assert (other.code, "no review has exactly this plan" in other.err) == (PROBLEM, True)
    write(file, 100, 101)
    done = tongyuan(county, *importing)

    assert done.code == WELL, (done.out, done.err)
    assert {reviews(county, "fu.reviewer", "show", one, "--json").json["state"] for one in names} == {"released"}


def test_to_submit_and_to_preview_are_two_commands(county: EmbeddedCounty, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(row(110), ensure_ascii=False))

    done = tongyuan(county, "import", file, "--format", "up-task", "--submit", "--preview")

    assert (done.code, "two things" in done.complaint) == (USAGE, True)


def test_a_document_of_a_foreign_standard_is_stopped_by_the_gates_and_can_be_submitted_to_them(
    county: EmbeddedCounty, tmp_path: Path
) -> None:
    list_directory(county)
    file, item = tmp_path / "county.ttl", content.items()[1]
    file.write_bytes(written([facts_of(ReleasedItem(item, None, 1))], Format.TURTLE, "440232000000"))

    stopped = tongyuan(county, "standards", "import", file, "--json")
    sent = tongyuan(county, "standards", "import", file, "--submit", "--note", "外来目录", "--json")

    assert (stopped.code, stopped.json["state"]) == (PROBLEM, "stopped")
    assert "五关" in stopped.json["problem"]
    assert county.http("catalog").get(f"/catalog/v1/items/{item.code}").status_code == 404
    assert sent.code == WELL, sent.out
    review = f"catalog/{sent.json['reviews']['catalog']}"
    assert f"release item:{item.code}" in reviews(county, "fu.reviewer", "show", review).out
