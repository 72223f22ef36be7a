"""`backup`, `restore`, `erase`, `compact` as an operator types them, beside a county that runs."""

import re
import shutil
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.harness.cases import PROJECT_NO
from tests.harness.command import PROBLEM, USAGE, WELL, tongyuan
from tests.harness.county import ADMIN, CHANNELS, EmbeddedCounty, running, wait_for
from tests.harness.county_cases import CODE, KEY, REGION

ITEM = "11440232MB2D06811W4000117051000"


@pytest.fixture
def county(tmp_path_factory):
    """A county with one case that is shown everywhere."""
    env = {"TONGYUAN_REGION": REGION}
    with running(EmbeddedCounty(tmp_path_factory.mktemp("county"), "--no-demo", env=env)) as made:
        answer = made.http("applications").put(f"/applications/v1/applications/{PROJECT_NO}", json=opening())
        assert answer.status_code == 201, answer.text
        wait_for(lambda: found(made), "the case is shown")
        yield made


def halted(status):
    return status.json["parts"]["web"]["halted"] is not None


def opening():
    return {"item_code": ITEM, "query_code": CODE, "task_type": "01", "promise_day": 10}


def said(county):
    return tongyuan(county, "status").out


def found(county):
    wanted = {"project_no": PROJECT_NO, "query_code": CODE}
    answer = httpx.post(f"{county.url('web')}/web/v1/applications/lookup", json=wanted, trust_env=False)
    return answer.status_code == 200


def test_a_county_is_backed_up_while_it_runs_restored_beside_it_and_forgets_a_case(county, tmp_path):
    done = tongyuan(county, "backup", tmp_path, "--json")
    assert done.code == WELL, done.err
    file = done.json["file"]
    again = tongyuan(county, "backup", file)
    assert (again.code, "--force" in again.complaint) == (USAGE, True)

    over = tongyuan(county, "restore", file, "--force")
    assert (over.code, "stop it first" in over.complaint) == (PROBLEM, True)
    stranger = tongyuan(county, "restore", file, "--data-dir", tmp_path / "data")
    assert (stranger.code, "--key states which one to trust" in stranger.complaint) == (PROBLEM, True)
    assert tongyuan(county, "backup-key", "show", "--json").json == {"keys": [done.json["key"]]}
    key = ("--key", done.json["key"])
    beside = tongyuan(county, "restore", file, "--data-dir", tmp_path / "data", *key, "--json")
    (note,) = beside.json["notes"]
    assert (beside.code, "personal-keys does not contain it: restore it before you start" in note) == (WELL, True)
    shutil.copy(county.folder / "data" / "personal-keys", tmp_path / "data")
    other = EmbeddedCounty(tmp_path, "--no-demo", env={"TONGYUAN_REGION": REGION})
    with running(other):
        assert found(other)
        other.verified()
        wait_for(lambda: tongyuan(other, "status").code == WELL, "it is well", explain=lambda: said(other))
    absent = tongyuan(county, "erase", "application:nobody", "--reason", "why")
    assert (absent.code, "404" in absent.complaint) == (PROBLEM, True)
    assert tongyuan(county, "compact", "--older-than-days", 0, "--json").json == {"source": 0, "ledger": 0}
    done = tongyuan(county, "erase", KEY, "--reason", "个人信息保护法第四十七条", "--by", "档案室", "--json")

    assert (done.code, done.json) == (WELL, {"source": 1, "ledger": 1, "version": 2})
    wait_for(lambda: not found(county), "the case is gone")
    entries = county.http("ledger").get("/ledger/v1/entries").json()["entries"]
    assert [entry.get("erased", {}).get("by") for entry in entries] == ["档案室", None]
    assert ADMIN not in done.out
    county.verified()

    county.stop()
    ahead = tongyuan(county, "restore", file, "--only", "ledger", "--force")
    assert (ahead.code, "would set this county back" in ahead.complaint) == (PROBLEM, True)
    older = tongyuan(county, "restore", file, "--only", "ledger", "--force", "--set-back")
    assert (older.code, older.out.count("does not follow the ledger")) == (WELL, 4)
    size, root = re.search(r"keys accept (\d+) ([0-9a-f]{64})", older.out).groups()
    county.start()
    assert tongyuan(county, "keys", "accept", size, root).code == WELL
    status = wait_for(lambda: (told := tongyuan(county, "status", "--json")) and halted(told) and told, "it is halted")
    assert status.code == PROBLEM
    assert tongyuan(county, "rebuild", "web").code == PROBLEM
    for channel in CHANNELS:
        assert tongyuan(county, "rebuild", channel, "--new-epoch").code == WELL
    wait_for(lambda: tongyuan(county, "status").code == WELL, "all channels follow again", 150, lambda: said(county))
    assert tongyuan(county, "drill").code == WELL
    county.verified()


def test_a_backup_tells_the_node_exporter_when_it_was_made_and_how_large_it_is(county, tmp_path):
    file = tmp_path / "textfiles" / "tongyuan.prom"
    done = tongyuan(county, "backup", tmp_path, "--metrics-file", file)
    assert (done.code, file.exists()) == (USAGE, False)
    assert "must end with .prom and lie in the folder" in done.err

    file.parent.mkdir()
    done = tongyuan(county, "backup", tmp_path, "--metrics-file", file, "--json")
    assert done.code == WELL, done.err
    told = {one.name: one.samples[0].value for one in text_string_to_metric_families(file.read_text())}
    assert told == {
        "tongyuan_backup_newest_timestamp_seconds": pytest.approx(made_at(done.json["file"]), abs=0.001),
        "tongyuan_backup_newest_bytes": Path(done.json["file"]).stat().st_size,
    }
    assert file.stat().st_mode & 0o777 == 0o644
    assert list(file.parent.iterdir()) == [file]


def made_at(file):
    line = next(line for line in Path(file).read_bytes().split(b"\n") if line.startswith(b"made_at "))
    return datetime.fromisoformat(line.decode().split()[1]).timestamp()


def test_an_encrypted_backup_is_made_and_put_back_as_an_operator_types_it(county, tmp_path):
    safe = tmp_path / "identity"
    made = tongyuan(county, "backup-key", "identity", safe)
    assert (made.code, made.out[:4]) == (WELL, "age1")
    again = tongyuan(county, "backup-key", "identity", safe)
    assert (again.code, "never overwritten" in again.complaint) == (USAGE, True)

    nobody = tongyuan(county, "backup", tmp_path, "--encrypt-to", "nobody")
    assert (nobody.code, nobody.complaint.startswith("✗ encrypt-to: is not a recipient")) == (USAGE, True)
    done = tongyuan(county, "backup", tmp_path, "--encrypt-to", made.out.strip(), "--json")
    restoring = ("restore", done.json["file"], "--key", done.json["key"], "--data-dir", tmp_path / "data")
    without = tongyuan(county, *restoring)
    assert (without.code, "is encrypted: name the file with its private key with --identity" in without.complaint) == (
        PROBLEM,
        True,
    )
    assert tongyuan(county, *restoring, "--identity", safe).code == WELL
    assert (tmp_path / "data" / "ledger.db").exists()


def test_what_is_wrong_is_said_in_one_line(tmp_path):
    county = EmbeddedCounty(tmp_path, env={"TONGYUAN_REGION": REGION})
    (tmp_path / "bad.tar.gz").write_bytes(b"no backup")
    bad = tongyuan(county, "restore", tmp_path / "bad.tar.gz", "--data-dir", tmp_path / "data")
    none = tongyuan(county, "backup", tmp_path)
    nowhere = tongyuan(county, "backup", tmp_path / "no" / "folder")
    nobody = tongyuan(county, "restore", tmp_path / "bad.tar.gz", "--only", "nobody")
    key = tongyuan(county, "restore", tmp_path / "bad.tar.gz", "--key", "none")
    item = tongyuan(county, "erase", "item:1", "--reason", "why")
    negative = tongyuan(county, "compact", "--older-than-days", "-1")

    assert (bad.code, "not a complete backup" in bad.complaint) == (PROBLEM, True)
    assert (none.code, "no county in" in none.complaint) == (PROBLEM, True)
    assert (nowhere.code, "there is no folder" in nowhere.complaint) == (USAGE, True)
    assert (nobody.code, "no service 'nobody'" in nobody.complaint) == (USAGE, True)
    assert (key.code, key.complaint.startswith("✗ key: ")) == (USAGE, True)
    assert (item.code, item.complaint.startswith("✗ key: ")) == (USAGE, True)
    assert (negative.code, negative.complaint.startswith("✗ older_than_days: ")) == (USAGE, True)
