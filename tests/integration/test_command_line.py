"""`tongyuan`: every command as an operator runs it, its words and its exit code: 0 well, 1 a problem, 2 wrong usage."""

import json
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from contracts.envelope.publication import Op
from shared.database.engine import Database
from shared.feeds.outbox import Draft, emit
from tests.harness.command import PROBLEM, USAGE, WELL, positions, process, tongyuan, until_shown
from tests.harness.county import CHANNELS, REPOSITORY, TONGYUAN, EmbeddedCounty, running, wait_for
from tests.harness.pipeline import REGION, code_of, unit_code
from tests.harness.signing import signer_of

pytestmark = [pytest.mark.xdist_group("command-line"), pytest.mark.timeout(600)]

QUICK = {"TONGYUAN_HEAD_INTERVAL": "0.5"}
LIVE = range(100, 105)
"""Numbers of the items that every test may read and none may change."""


def row(number: int, **fields: object) -> dict[str, object]:
    """An item as the national exchange writes it."""
    code = code_of(number)
    given = {
        "task_code": code,
        "catalog_code": code[19:],
        "task_name": f"第{number}号事项",
        "task_type": "07",
        "task_state": "1",
        "task_version": 1,
        "by_law": "《中华人民共和国消防法》第十一条",
        "use_level": "4",
        "dept_name": "云溪县住房和城乡建设局",
        "dept_code": unit_code(),
        "dept_type": "1",
        "server_type": "1^2",
        "project_type": "2",
        "handle_type": "1^2",
        "accept_condition": "已取得规划许可",
        "anticipate_day": 20,
        "anticipate_type": "1",
        "promise_day": 15,
        "promise_type": "1",
        "limit_scene_num": 1,
        "limit_scene_explain": "需核对原件",
        "is_fee": "0",
        "transact_addr": "鹰峰中路1号3楼5号窗口",
        "transact_time": "工作日9:00-12:00",
        "link_way": "0751-5361234",
        "supervise_way": "0751-12345",
        "is_entry_center": "1",
        "is_online": "1",
        "is_service_terminals": "1",
        "material": [{"material_name": "申请表", "is_need": "1", "source_type": "10", "material_type": "1"}],
    }
    return {**given, **fields}


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Rows as a file of the exchange."""

    def written(*rows: object, name: str = "rows.jsonl") -> Path:
        file = tmp_path / name
        file.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in rows), encoding="utf-8")
        return file

    return written


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCounty]:
    """A small one, with the items of `LIVE`."""
    folder = tmp_path_factory.mktemp("small")
    county = EmbeddedCounty(folder, env=QUICK)
    file = folder / "live.jsonl"
    file.write_text("\n".join(json.dumps(row(number)) for number in LIVE))
    with running(county):
        done = tongyuan(county, "import", file, "--format", "up-task")
        assert done.code == WELL, done
        until_shown(county)
        yield county


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[EmbeddedCounty]:
    """An empty one for a test that breaks it; it makes its own tokens, and its auditor does not mend what is broken."""
    county = EmbeddedCounty(tmp_path / "fresh", env={**QUICK, "TONGYUAN_AUDIT_REPAIR": "false"})
    for name in ("TONGYUAN_ADMIN_TOKEN", "TONGYUAN_SERVICE_TOKEN"):
        del county.env[name]
    with running(county):
        wait_for(lambda: all(tongyuan(county, name).code == WELL for name in ("status", "doctor")), "it is well")
        yield county


# up


def test_up_says_where_everything_is(county: EmbeddedCounty) -> None:
    address = county.url("web")
    said = wait_for(lambda: "tongyuan verify" in county.log("up") and county.log("up"), "it has greeted")
    for path in (*(f"/{name}/" for name in CHANNELS), "/ledger/v1/head", "/web/v1/stream", "/metrics"):
        assert f"{address}{path}" in said


def test_a_second_up_on_the_same_data_is_refused(county: EmbeddedCounty) -> None:
    done = process(county, "up", "--no-demo", "--port", 0)
    assert done.code == USAGE
    assert "TONGYUAN_DATA_DIR" in done.complaint
    assert "in use by another" in done.complaint


def test_a_port_in_use_is_refused_and_the_way_out_named(county: EmbeddedCounty, tmp_path: Path) -> None:
    done = process(county, "up", "--no-demo", "--data-dir", tmp_path / "other", "--port", county.env["TONGYUAN_PORT"])
    assert done.code == PROBLEM
    assert f"127.0.0.1:{county.env['TONGYUAN_PORT']}" in done.complaint
    assert "--port 0" in done.complaint
    assert not (tmp_path / "other" / "address").exists()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("TONGYUAN_PORT", "http", "integer"),
        ("TONGYUAN_REGION", "12", "pattern"),
        ("TONGYUAN_LOOKUP_LIMIT", "often", "pattern"),
        ("TONGYUAN_DIVISIONS_FILE", "missing.csv", "missing.csv"),
        ("TONGYUAN_DATA_DIR", __file__, "exists"),
    ],
)
def test_a_wrong_setting_stops_the_start_by_name_and_reason(
    county: EmbeddedCounty, tmp_path: Path, name: str, value: str, reason: str
) -> None:
    env = {"TONGYUAN_DATA_DIR": str(tmp_path / "other"), "TONGYUAN_PORT": "0", name: value}
    done = process(county, "up", "--no-demo", **env)
    assert done.code == USAGE
    assert name in done.complaint
    assert reason in done.complaint.lower()


def test_the_tokens_that_up_makes_are_its_owners_alone_and_serve_every_command(fresh: EmbeddedCounty) -> None:
    data = Path(fresh.env["TONGYUAN_DATA_DIR"])
    for name in ("admin-token", "service-token", "ledger-key.pem"):
        assert (data / name).stat().st_mode & 0o777 == 0o600, name
    assert tongyuan(fresh, "status").code == WELL
    (data / "admin-token").chmod(0o644)
    assert "admin-token" in tongyuan(fresh, "doctor").out
    fresh.stop()
    done = process(fresh, "up", "--no-demo")
    assert done.code == PROBLEM
    assert "chmod 600" in done.complaint


def test_other_commands_find_a_county_by_its_data_alone(fresh: EmbeddedCounty) -> None:
    elsewhere = {"TONGYUAN_PORT": "1", "TONGYUAN_DATA_DIR": "nowhere"}
    assert tongyuan(fresh, "doctor", "--data-dir", fresh.env["TONGYUAN_DATA_DIR"], **elsewhere).code == WELL
    fresh.stop()
    assert not (Path(fresh.env["TONGYUAN_DATA_DIR"]) / "address").exists()


# import


def test_broken_rows_are_named_by_row_field_rule_and_value_and_the_others_go_on(
    county: EmbeddedCounty, write: Write, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.jsonl"
    file = write(row(200), row(201, task_type="[red]天[/]"), row(202, task_type="01"), {"task_code": "x"})
    done = tongyuan(county, "import", file, "--format", "up-task", "--rejects", rejects)
    assert done.code == PROBLEM
    assert "4 rows: 1 accepted" in done.out
    assert "row 2: task_type: " in done.out
    assert "[code_table] ('[red]天[/]')" in done.out
    assert "row 3: task_type: " in done.out
    assert "[C-6] ('01')" in done.out
    entries = [json.loads(line) for line in rejects.read_text(encoding="utf-8").splitlines()]
    assert {entry["row"] for entry in entries} == {2, 3, 4}
    assert all(entry["field"] and entry["rule"] and entry["message"] for entry in entries)
    assert entries[0]["raw"]["task_name"] == "第201号事项"
    assert tongyuan(county, "trace", f"item:{code_of(200)}").code == WELL
    assert tongyuan(county, "trace", f"item:{code_of(202)}").code == PROBLEM


def test_a_table_is_imported_by_its_mapping(county: EmbeddedCounty, tmp_path: Path) -> None:
    table, mapping = tmp_path / "items.csv", tmp_path / "mapping.yaml"
    table.write_text(f"编码,名称,类型,时限\n{code_of(210)},消防设计审查,行政确认,承诺15个工作日\n", encoding="gb18030")
    columns = {"code": "编码", "task_name": "名称", "task_type": "类型"}
    limit = {"promise_day": {"column": "时限", "pattern": r"承诺(\d+)个工作日"}}
    constants = {"dept_name": "云溪县住房和城乡建设局", "project_type": "承诺件"}
    mapping.write_text(yaml.safe_dump({"constants": constants, "columns": {**columns, **limit}}, allow_unicode=True))
    done = tongyuan(county, "import", table, "--format", "csv", "--mapping", mapping, "--json")
    assert (done.code, done.json["accepted"]) == (WELL, 1), done
    until_shown(county)
    assert county.http("web").get(f"/web/v1/items/{code_of(210)}").json()["name"] == "消防设计审查"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--format", "excel"], USAGE, "format: expected one of gd-portal, up-task, table, csv"),
        (["--format", "csv"], USAGE, "mapping: csv needs a mapping file"),
        (["--format", "up-task", "--mapping", __file__], USAGE, "mapping: up-task does not accept a mapping file"),
        (["--format", "csv", "--mapping", __file__], USAGE, "test_command_line.py: not YAML"),
        (["--format", "up-task", "--rejects", "/no/such/folder/file"], USAGE, "--rejects /no/such/folder/file"),
        (["--format", "up-task"], PROBLEM, "file: "),
    ],
)
def test_an_import_that_cannot_begin_says_why_in_one_line(
    county: EmbeddedCounty, tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    file = tmp_path / "book.xlsx"
    file.write_bytes(b"PK\x03\x04 a workbook")
    done = tongyuan(county, "import", file, *arguments)
    assert done.code == code
    assert f"✗ {words}" in done.err
    assert "Traceback" not in done.err


def test_a_withdrawal_leaves_the_channels_and_a_mass_of_them_is_asked_about(
    fresh: EmbeddedCounty, write: Write
) -> None:
    numbers = range(300, 325)
    importing = ("import", write(*map(row, numbers)), "--format", "up-task")
    assert tongyuan(fresh, *importing).code == WELL
    one = write(row(300, cd_operation="D", task_version=2), name="one.jsonl")
    assert tongyuan(fresh, "import", one, "--format", "up-task").code == WELL
    until_gone(fresh, numbers[:1])
    until_shown(fresh)

    before = positions(fresh)
    mass = write(*(row(number, cd_operation="D", task_version=2) for number in numbers[1:]), name="mass.jsonl")
    stopped = tongyuan(fresh, "import", mass, "--format", "up-task")
    assert stopped.code == PROBLEM
    assert "24 held by the breaker" in stopped.out
    assert "--confirm-withdrawals" in stopped.err
    assert positions(fresh) == before
    confirmed = tongyuan(fresh, "import", mass, "--format", "up-task", "--confirm-withdrawals", "--json")
    assert (confirmed.code, confirmed.json["withdrawn"]) == (WELL, 24)
    until_gone(fresh, numbers)


def test_trace_names_the_file_and_the_row_of_what_was_imported(county: EmbeddedCounty) -> None:
    done = tongyuan(county, "trace", f"item:{code_of(LIVE[1])}")

    assert "for source up-task from live.jsonl row 2 (SHA-256 " in done.out


def test_every_warning_names_row_column_and_value(county: EmbeddedCounty, write: Write, tmp_path: Path) -> None:
    warnings = tmp_path / "warnings.jsonl"
    file = write(row(220), row(221, server_type="1^火星人"))
    done = tongyuan(county, "import", file, "--format", "up-task", "--warnings", warnings, "--dry-run")

    assert "unknown_code  (row 2)" in done.out
    entries = [json.loads(line) for line in warnings.read_text(encoding="utf-8").splitlines()]
    told = [one for one in entries if one["name"] == "unknown_code"]
    assert [(one["row"], one["column"], one["value"], one["severity"]) for one in told] == [
        (2, "server_type", "火星人", "warning")
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--region", "33"], "--region 33: expected 行政区划 of 6 digits"),
        (["--source", "a b"], "--source a b: expected a name of letters"),
        (["--withdraw-missing"], "--withdraw-missing needs --full"),
        (["--report", "/no/such/folder/file"], "--report /no/such/folder/file: No such file"),
    ],
)
def test_a_wrong_option_of_an_import_is_named(
    county: EmbeddedCounty, write: Write, arguments: list[str], words: str
) -> None:
    done = tongyuan(county, "import", write(row(222)), "--format", "up-task", *arguments)

    assert done.code == USAGE
    assert words in done.err


def test_an_import_that_finds_no_county_says_so_in_one_line(county: EmbeddedCounty, write: Write) -> None:
    nobody = "http://127.0.0.1:9"
    done = tongyuan(county, "import", write(row(223)), "--format", "up-task", "--base-url", nobody)

    assert done.code == PROBLEM
    assert "1 not reached" in done.out
    assert "Check that the county is running" in done.err


def until_gone(county: EmbeddedCounty, numbers: range) -> None:
    """Items and guides say on every channel that they were there. (A guide goes with its item, whoever is first.)"""
    paths = [
        f"/{name}/v1/{kind}/{code_of(number)}"
        for name in CHANNELS
        for kind in ("items", "guides")
        for number in numbers
    ]
    wait_for(lambda: all(county.http("web").get(path).status_code == 410 for path in paths), "they are gone")


# verify, rebuild


def test_verify_finds_the_same_source_everywhere(county: EmbeddedCounty) -> None:
    done = tongyuan(county, "verify")
    assert done.code == WELL
    assert "the same source everywhere" in done.out


def test_damage_done_behind_the_countys_back_is_found_and_a_rebuild_heals_it(
    fresh: EmbeddedCounty, write: Write
) -> None:
    assert tongyuan(fresh, "import", write(*map(row, LIVE)), "--format", "up-task").code == WELL
    until_shown(fresh)
    changed, lost, invented = (f"item:{code_of(number)}" for number in (LIVE[0], LIVE[1], 999))
    damage(Path(fresh.env["TONGYUAN_DATA_DIR"]) / "web.db", changed, lost, invented)

    found = tongyuan(fresh, "verify", "--json")
    assert found.code == PROBLEM
    verdicts = {(one["where"], one["verdict"], one["key"]) for one in found.json["findings"]}
    assert {("web", "different", changed), ("web", "missing", lost), ("web", "orphan", invented)} <= verdicts
    assert {where for where, _, _ in verdicts} == {"web"}
    assert any(one["detail"] == "fields: name" for one in found.json["findings"])
    assert tongyuan(fresh, "verify", "mobile", "kiosk").code == WELL

    rebuilt = tongyuan(fresh, "rebuild", "web", "--json")
    assert rebuilt.code == WELL
    assert set(rebuilt.json["differences"]) == {changed, lost, invented}
    assert tongyuan(fresh, "verify").code == WELL
    assert "0 documents differed" in tongyuan(fresh, "rebuild", "web").out


def damage(file: Path, changed: str, lost: str, invented: str) -> None:
    """Somebody with a SQL shell."""
    with closing(sqlite3.connect(file, timeout=10)) as db, db:
        (content,) = db.execute("SELECT content FROM document WHERE key = ?", (changed,)).fetchone()
        other = json.dumps({**json.loads(content), "name": "别的事项"}, ensure_ascii=False)
        columns = [name for _, name, *_ in db.execute("PRAGMA table_info(document)") if name != "key"]
        copied = ", ".join(columns)
        db.execute(
            f"INSERT INTO document (key, {copied}) SELECT ?, {copied} FROM document WHERE key = ?", (invented, lost)
        )
        db.execute("UPDATE document SET content = ? WHERE key = ?", (other, changed))
        db.execute("DELETE FROM document WHERE key = ?", (lost,))


def test_a_channel_that_is_none_is_no_problem_of_the_county_but_of_the_command(county: EmbeddedCounty) -> None:
    for arguments in (["verify", "fax"], ["rebuild", "fax"]):
        done = tongyuan(county, *arguments)
        assert (done.code, "no channel 'fax'" in done.complaint) == (USAGE, True)


@pytest.mark.parametrize(
    "arguments",
    [["verify"], ["status"], ["trace", "item:x"], ["rebuild", "web"], ["dead", "list"], ["dead", "drop", "web/1"]],
)
def test_a_county_that_does_not_answer_is_one_line(county: EmbeddedCounty, arguments: list[str]) -> None:
    done = tongyuan(county, *arguments, "--base-url", "http://127.0.0.1:1")
    assert done.code == PROBLEM
    assert "http://127.0.0.1:1 does not answer" in done.complaint


# status, trace, doctor


def test_status_says_how_far_every_part_is(county: EmbeddedCounty) -> None:
    until_shown(county)
    done = tongyuan(county, "status", "--json")
    assert (done.code, done.json["good"]) == (WELL, True)
    parts = done.json["parts"]
    assert {"catalog (live)", "guides (backfill)", "applications (live)", "ledger", *CHANNELS} <= parts.keys()
    assert parts["catalog (backfill)"]["position"] >= len(LIVE)
    assert all(parts[name]["position"] == parts["ledger"]["position"] for name in CHANNELS)
    assert all(part["behind"] == 0 for part in parts.values())


def test_trace_follows_a_key_from_its_source_to_every_channel(county: EmbeddedCounty) -> None:
    for kind in ("item", "guide"):
        key = f"{kind}:{code_of(LIVE[0])}"
        done = tongyuan(county, "trace", key, "--json")
        assert done.code == WELL
        (released,), (recorded,) = done.json["released"], done.json["recorded"]
        assert (released["key"], released["version"], released["op"]) == (key, 1, "release")
        assert (recorded["version"], recorded["digest"]) == (1, released["digest"])
        assert done.json["shown"].keys() == set(CHANNELS)
        for shown in done.json["shown"].values():
            assert (shown["version"], shown["position"], shown["shown"]) == (1, recorded["position"], True)
        told = tongyuan(county, "trace", key).out
        assert f"position {recorded['position']}" in told
        assert all(f"{name:<7} version 1 shown" in told for name in CHANNELS)


def test_every_table_says_its_units_its_time_zone_and_what_was_checked(county: EmbeddedCounty) -> None:
    told = tongyuan(county, "status").out
    for words in ("behind: releases or entries", "head age: seconds", "times are UTC", "nothing is behind, parked"):
        assert words in told
    cells = [cell.strip() for line in told.splitlines() if line.startswith("│") for cell in line.strip("│").split("│")]
    assert "" not in cells
    checked = tongyuan(county, "doctor").out
    for words in ("checked: whether every service answers", "at least 500 MiB", "not checked: whether channels", "UTC"):
        assert words in checked
    compared = tongyuan(county, "verify").out
    for words in ("compared: the sources' releases with the ledger", "byte by byte", "UTC"):
        assert words in compared


@pytest.mark.parametrize(
    "command", [["status"], ["verify"], ["trace", "item:x"], ["kiosk", "screens"], ["dead", "list"]]
)
def test_a_wrong_token_is_one_line_that_names_where_the_token_was_from(
    county: EmbeddedCounty, command: list[str], tmp_path: Path
) -> None:
    wrong = tongyuan(county, *command, TONGYUAN_ADMIN_TOKEN="wrong")
    assert wrong.code == PROBLEM
    assert "the token was that of TONGYUAN_ADMIN_TOKEN" in wrong.complaint
    assert "--data-dir" in wrong.complaint
    none = tongyuan(county, *command, "--data-dir", tmp_path / "none", TONGYUAN_ADMIN_TOKEN="")
    assert f"{tmp_path}/none/admin-token does not exist" in none.complaint


def test_doctor_finds_nothing_well_that_a_wrong_token_kept_it_from_checking(county: EmbeddedCounty) -> None:
    done = tongyuan(county, "doctor", TONGYUAN_ADMIN_TOKEN="wrong")
    assert done.code == PROBLEM
    assert "most could not be checked" in done.out
    assert "nothing wrong found" not in done.out


def test_trace_of_an_unknown_key_is_a_problem_and_of_no_key_is_usage(county: EmbeddedCounty) -> None:
    unknown = tongyuan(county, "trace", f"item:{code_of(999)}")
    assert unknown.code == PROBLEM
    assert all(f"{name:<7} nothing" in unknown.out for name in CHANNELS)
    assert "nothing was ever released under this key" in unknown.out
    assert tongyuan(county, "trace", "fax:1").code == USAGE


def test_doctor_finds_nothing_wrong_with_a_good_county(county: EmbeddedCounty) -> None:
    assert tongyuan(county, "doctor").code == WELL
    belongs = {"region": REGION, "origin": f"tongyuan/{REGION}", "county": "云溪县", "demo": False}
    assert {"county": belongs, "problems": []}.items() <= tongyuan(county, "doctor", "--json").json.items()


def test_status_that_watches_shows_it_again_until_it_is_interrupted(county: EmbeddedCounty) -> None:
    command = [*TONGYUAN, "status", "--watch", "--json"]
    with subprocess.Popen(command, cwd=REPOSITORY, env=county.cli_env(), stdout=subprocess.PIPE, text=True) as watching:
        try:
            assert watching.stdout is not None
            seen = [next(line for line in watching.stdout if line.startswith('  "good": ')) for _ in range(2)]
            assert len(seen) == 2
            assert watching.poll() is None
        finally:
            watching.send_signal(signal.SIGINT)
        assert watching.wait(30) != WELL


def test_doctor_and_status_name_the_county_and_its_region(county: EmbeddedCounty) -> None:
    for command in ("doctor", "status"):
        assert tongyuan(county, command).out.splitlines()[0] == f"{REGION} 云溪县, log tongyuan/{REGION}"


def test_a_county_starts_empty_unless_the_demonstration_is_asked_for(fresh: EmbeddedCounty) -> None:
    assert fresh.http("web").get("/web/v1/items").json()["items"] == []
    assert fresh.http("web").get("/demo/").status_code == 404
    assert set(positions(fresh).values()) == {0}


def test_doctor_names_every_service_that_does_not_answer(county: EmbeddedCounty) -> None:
    done = tongyuan(county, "doctor", "--base-url", "http://127.0.0.1:1")
    assert done.code == PROBLEM
    for service in ("catalog", "guides", "applications", "ledger", *CHANNELS):
        assert f"{service} does not answer" in done.out


# dead, in a county without a broker


def test_an_entry_that_cannot_be_shown_is_parked_shown_tried_again_and_given_up(fresh: EmbeddedCounty) -> None:
    code = code_of(400)
    emit_guide(fresh, code)
    wait_for(lambda: len(tongyuan(fresh, "dead", "list", "--json").json) == len(CHANNELS), "it is parked everywhere")
    listed = tongyuan(fresh, "dead", "list", "--json")
    assert listed.code == PROBLEM
    assert [letter["place"] for letter in listed.json] == [f"{name}/1" for name in CHANNELS]
    assert all(
        letter["what"] == f"guide:{code} version 1" and "task_name" in letter["reason"] for letter in listed.json
    )
    assert "kiosk/1" in tongyuan(fresh, "dead", "list").out
    assert tongyuan(fresh, "status").code == PROBLEM
    assert "parked at 1" in tongyuan(fresh, "verify", "--json").out

    shown = tongyuan(fresh, "dead", "show", "web/1")
    assert (shown.code, shown.json["entry"]["body"]) == (WELL, {"code": code})
    again = tongyuan(fresh, "dead", "replay", "web/1")
    assert again.code == PROBLEM
    assert "web answered 409" in again.complaint
    assert "task_name" in again.complaint
    for name in CHANNELS:
        assert tongyuan(fresh, "dead", "drop", f"{name}/1").code == WELL
    assert tongyuan(fresh, "dead", "list").code == WELL
    assert tongyuan(fresh, "dead", "drop", "web/1").code == PROBLEM
    assert tongyuan(fresh, "dead", "show", "web/1").code == PROBLEM
    assert tongyuan(fresh, "verify").code == WELL


def emit_guide(county: EmbeddedCounty, code: str) -> None:
    """A release past every check: only a guide's own service can do that."""
    data = Path(county.env["TONGYUAN_DATA_DIR"])
    db = Database("guides", f"sqlite:///{data}/guides.db")
    db.release_signer = signer_of(data, "guides")
    with db.write() as session:
        emit(session, "guides", [Draft(f"guide:{code}", 1, Op.RELEASE, REGION, {"code": code})])
    db.close()


@pytest.mark.parametrize("place", ["web", "web/", "web/x", "fax/1", "ledger.sources/-1", "/1", "web/²"])
def test_a_place_that_is_none_is_usage(county: EmbeddedCounty, place: str) -> None:
    done = tongyuan(county, "dead", "show", place)
    assert (done.code, "as shown by `dead list`" in done.complaint) == (USAGE, True)


def test_a_queues_letter_needs_a_broker(county: EmbeddedCounty) -> None:
    unset = tongyuan(county, "dead", "show", "ledger.sources/1")
    assert (unset.code, "TONGYUAN_AMQP_URL" in unset.complaint) == (USAGE, True)
    down = tongyuan(county, "dead", "list", TONGYUAN_AMQP_URL="amqp://127.0.0.1:1/")
    assert (down.code, "the broker" in down.complaint) == (PROBLEM, True)


# kiosk


def test_a_screen_is_enrolled_with_a_code_seen_red_while_it_is_silent_and_revoked(county: EmbeddedCounty) -> None:
    nobody = tongyuan(county, "kiosk", "screens")
    assert (nobody.code, "no screen is enrolled, so none is watched" in nobody.out) == (WELL, True)
    code = tongyuan(county, "kiosk", "enrol", "hall-1", "--json").json["code"]
    waiting = tongyuan(county, "kiosk", "screens")
    county.http("kiosk").post("/kiosk/v1/screen/enrol", json={"code": code}).raise_for_status()
    red = wait_for(lambda: (told := tongyuan(county, "kiosk", "screens")).code == PROBLEM and told, "it is red")
    tongyuan(county, "kiosk", "revoke", "hall-1")
    gone = tongyuan(county, "kiosk", "screens", "--json")

    assert (waiting.code, "waiting" in waiting.out) == (WELL, True)
    assert "silent: no report for more than 8 s" in red.out
    assert "1 red" in red.out
    assert (gone.code, [screen["state"] for screen in gone.json]) == (WELL, ["revoked"])
    assert tongyuan(county, "kiosk", "revoke", "nobody").code == PROBLEM


# user


def test_user_list_names_everybody_with_roles_units_and_state(county: EmbeddedCounty) -> None:
    person = ("li.hua", "--display-name", "李华", "--role", "editor", "--department", unit_code())
    assert tongyuan(county, "user", "add", *person).code == WELL

    done = tongyuan(county, "user", "list")

    assert done.code == WELL
    (line,) = (one for one in done.out.splitlines() if one.startswith("li.hua"))
    assert line.split() == ["li.hua", "李华", "editor", unit_code(), "must", "set", "a", "password"]
    assert any(one.startswith("admin ") and "every unit" in one for one in done.out.splitlines())


def test_user_list_is_json_for_scripts_and_tells_no_secret(county: EmbeddedCounty) -> None:
    tongyuan(county, "user", "add", "wang.fang", "--display-name", "王芳", "--role", "auditor")
    tongyuan(county, "user", "lock", "wang.fang")

    done = tongyuan(county, "user", "list", "--json")

    found = {one["name"]: one for one in done.json}
    assert (found["wang.fang"]["roles"], bool(found["wang.fang"]["locked_at"])) == (["auditor"], True)
    assert "password_hash" not in done.out
    assert "one_time" not in done.out


def test_user_list_without_a_county_is_one_line_and_an_exit_code(tmp_path: Path, county: EmbeddedCounty) -> None:
    nowhere = {"TONGYUAN_BASE_URL": "http://127.0.0.1:1", "TONGYUAN_DATA_DIR": str(tmp_path / "none")}
    done = tongyuan(county, "user", "list", **nowhere)

    assert done.code == PROBLEM
    assert "127.0.0.1:1" in done.complaint


# topology, migrate, run


def test_processes_of_the_production_shape_say_what_they_miss(county: EmbeddedCounty) -> None:
    for done, words in (
        (process(county, "run", "nonsense"), "no process 'nonsense'"),
        (process(county, "run", "web-worker"), "TONGYUAN_ADMIN_TOKEN: web-worker may not hold it"),
        (process(county, "run", "catalog", TONGYUAN_SERVICE_TOKEN=""), "TONGYUAN_AMQP_URL"),
        (tongyuan(county, "topology", "apply"), "TONGYUAN_AMQP_URL"),
        (tongyuan(county, "topology", "definitions", __file__), "test_command_line.py: unexpected"),
        (tongyuan(county, "migrate", "catalog", "nonsense"), "no service 'nonsense'"),
    ):
        assert done.code == USAGE, done
        assert words in done.complaint


def test_a_broker_that_does_not_answer_is_one_line(county: EmbeddedCounty) -> None:
    for url in ("amqp://127.0.0.1:1/", "amqp://no-such-host.invalid/"):
        done = tongyuan(county, "topology", "apply", TONGYUAN_AMQP_URL=url)
        assert (done.code, "no connection to the broker" in done.complaint) == (PROBLEM, True)


def test_migrating_again_changes_nothing(county: EmbeddedCounty, tmp_path: Path) -> None:
    data = tmp_path / "migrated"
    for _ in range(2):
        done = tongyuan(county, "migrate", TONGYUAN_DATA_DIR=str(data))
        assert done.code == WELL, done
        assert all(f"✓ {service}" in done.out for service in ("catalog", "guides", "applications", "ledger", *CHANNELS))
    assert tongyuan(county, "migrate", "web", TONGYUAN_DATABASE_URL="postgresql://127.0.0.1:1/none").code == PROBLEM
