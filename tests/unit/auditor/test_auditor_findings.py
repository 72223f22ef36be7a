"""The auditor finds every kind of damage, has it repaired, verifies the repair, and reports how long it took."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.auditor.inspection import ledger_follower, repairer
from services.channels.recovery import http as recovery_http
from services.runtime.manifests import CHANNELS
from shared.errors import UpstreamDown
from tests.harness.auditing import GENTLE, Answer, Audited, auditor_of, sample
from tests.harness.pipeline import ADMIN, Pipeline, code_of, guide, item, pipeline, progress

TWO = ("web", "kiosk")
KEY = f"item:{code_of(2)}"
INJECT = """
INSERT INTO document (key, kind, version, position, digest, content_digest, released_at, change, content)
SELECT :key, 'item', 1, 1, '', '', '2026-01-01T00:00:00.000000Z', change, :content FROM state
"""
FORGE = "UPDATE document SET content = replace(content, '居民身份证办理', '居民身份证办里') WHERE key = :key"


@pytest.fixture
def county(tmp_path):
    """Three items with guides, one withdrawn, and a case. Differences are reported without delay."""
    with pipeline(tmp_path, channels=TWO, **GENTLE) as made:
        fill(made)
        yield made


@pytest.fixture
def audited(county, tmp_path):
    """Its auditor, after a first round without findings."""
    with auditor_of(county, tmp_path) as made:
        made.round()
        assert made.findings() == []
        yield made


def fill(county: Pipeline) -> None:
    for number in (1, 2, 3):
        county.release(item(number))
        county.release(guide(number))
    county.withdraw(item(3))
    county.release_case(progress())
    county.flow()
    county.flow()


def test_a_sound_county_is_read_whole_and_nothing_is_found(audited: Audited) -> None:
    report = audited.report()

    assert report["good"]
    assert report["ledger"]["position"] == 9
    assert report["channels"].keys() == set(TWO)
    for surfaces in report["channels"].values():
        assert {name: one["checked"] for name, one in surfaces.items()} == {
            "digests": 5,
            "changes": 6,
            "list": 3,
            "document": 3,
        }


def test_a_changed_byte_is_found_by_field_repaired_and_equal_again_on_every_channel(tmp_path) -> None:
    with pipeline(tmp_path, **GENTLE) as county, auditor_of(county, tmp_path) as audited:
        fill(county)
        audited.round()
        repaired, detected = counted("repair"), counted("detect")
        for channel in CHANNELS:
            county.execute(channel, FORGE, key=KEY)
        audited.round()

        findings = [one for one in audited.findings() if one["surface"] == "changes"]
        assert {(one["channel"], one["verdict"], one["key"]) for one in findings} == {
            (channel, "different", KEY) for channel in CHANNELS
        }
        for finding in findings:
            assert {"path": "name", "expected": "居民身份证办理", "found": "居民身份证办里"} in finding["differences"]
            assert (finding["repair"], finding["problem"], finding["attempts"]) == ("repair", None, 1)
            told = [datetime.fromisoformat(finding[name]) for name in ("since", "found_at", "repaired_at")]
            assert told == sorted(told)
            assert finding["detect_seconds"] == pytest.approx((told[1] - told[0]).total_seconds(), abs=0.001)
        assert audited.found(only_open=True) == set()
        for channel in CHANNELS:
            assert county.get(f"{channel}/v1/items/{code_of(2)}").json()["name"] == "居民身份证办理"
            assert counted("repair")[channel] > repaired[channel]
            assert counted("detect")[channel] > detected[channel]


def counted(title: str) -> dict[str, float]:
    return {name: sample(f"tongyuan_audit_{title}_seconds_count", channel=name) for name in CHANNELS}


def test_a_deleted_document_is_missing_until_it_is_rebuilt(audited: Audited) -> None:
    audited.county.execute("kiosk", "DELETE FROM document WHERE key = :key", key=KEY)
    audited.round()

    assert ("kiosk", "changes", "missing", KEY) in audited.found()
    assert audited.found(only_open=True) == set()


def test_an_injected_document_is_an_orphan_and_an_alarm_at_once(
    audited: Audited, capsys: pytest.CaptureFixture[str]
) -> None:
    audited.county.execute(
        "web", INJECT, key="item:FORGED", content='{"code":"FORGED","name":"伪造的事项","kind":"item"}'
    )
    audited.round()
    said = capsys.readouterr()

    assert ("web", "changes", "orphan", "item:FORGED") in audited.found()
    assert any(
        "orphan" in line and "error" in line and "item:FORGED" in line for line in f"{said.out}{said.err}".splitlines()
    )
    assert audited.county.get("web/v1/items/FORGED").status_code == 410
    assert audited.found(only_open=True) == set()


def test_a_withdrawn_item_that_is_shown_again_is_an_orphan(audited: Audited) -> None:
    forge = "UPDATE document SET content = (SELECT max(content) FROM document) WHERE key = :key"
    audited.county.execute("web", forge, key=f"item:{code_of(3)}")
    audited.round()

    assert ("web", "changes", "orphan", f"item:{code_of(3)}") in audited.found()
    assert audited.found(only_open=True) == set()


def test_a_changed_case_is_found_by_its_bucket_and_no_word_of_it_is_written_down(audited: Audited) -> None:
    forge = "UPDATE document SET content = replace(content, '正在办理', '张三已经办结') WHERE kind = 'application'"
    audited.county.execute("kiosk", forge)
    audited.round()
    ((channel, surface, verdict, key),) = audited.found()

    assert (channel, surface, verdict) == ("kiosk", "digests", "different")
    assert key.startswith("application ")
    assert "张三" not in str(audited.findings())
    assert audited.found(only_open=True) == set()


def test_a_key_that_is_somebodys_number_is_not_written_down(audited: Audited) -> None:
    number = "11010519491231002X"
    audited.county.execute("web", INJECT, key=f"item:{number}", content=f'{{"code":"{number}","phone":"13812345678"}}')
    audited.round()

    assert {one["verdict"] for one in audited.findings() if one["surface"] == "changes"} == {"orphan"}
    assert number not in str(audited.findings())
    assert "13812345678" not in str(audited.findings())


def test_what_is_open_shows_in_the_gauge_and_in_the_report_until_it_is_repaired(county, tmp_path) -> None:
    county.settings = county.settings.model_copy(update={"audit_repair": False})
    with auditor_of(county, tmp_path) as audited:
        county.execute("web", INJECT, key="item:FORGED", content='{"code":"FORGED"}')
        audited.round()
        audited.round()

        assert audited.report()["open"] == {"web": {"orphan": 2, "different": 1}}
        assert not audited.report()["good"]
        assert sample("tongyuan_audit_open_findings", channel="web", verdict="orphan") == 2
        county.rebuild("web")
        audited.round()
        assert audited.report()["good"]
        assert sample("tongyuan_audit_open_findings", channel="web", verdict="orphan") == 0
        assert {one["repair"] for one in audited.findings()} == {None}


def test_a_new_release_is_looked_at_in_the_very_next_round(audited: Audited) -> None:
    audited.county.release(item(4))
    audited.county.flow()
    before = sample("tongyuan_audit_checked_total", channel="web", surface="page")
    audited.auditor.step()

    assert sample("tongyuan_audit_checked_total", channel="web", surface="page") > before
    assert audited.findings() == []


def test_an_import_is_let_pass_and_looked_at_when_it_is_through(audited: Audited, monkeypatch) -> None:
    monkeypatch.setattr(ledger_follower, "RUSH", 1)
    for number in (4, 5):
        audited.county.release(item(number))
    audited.county.flow()
    before = sample("tongyuan_audit_checked_total", channel="web", surface="page")
    audited.auditor.step()
    meanwhile = sample("tongyuan_audit_checked_total", channel="web", surface="page")
    audited.auditor.step()

    assert meanwhile == before
    assert sample("tongyuan_audit_checked_total", channel="web", surface="page") > before
    assert audited.report()["ledger"]["position"] == 11


def test_a_release_that_a_channel_swallows_is_missing_in_the_very_next_round(audited: Audited) -> None:
    county = audited.county
    county.release(item(4))
    county.flow()
    county.execute("web", "DELETE FROM document WHERE key = :key", key=f"item:{code_of(4)}")
    audited.auditor.step()

    assert ("web", "document", "missing", f"item:{code_of(4)}") in audited.found()
    assert county.get(f"web/v1/items/{code_of(4)}").status_code == 200


def test_a_channel_that_is_late_is_stale_while_the_delay_is_allowed(county, tmp_path) -> None:
    late = county.settings.model_copy(update={"allowed_delay": 600.0})
    county.settings = late
    with auditor_of(county, tmp_path) as audited:
        audited.round()
        county.release(item(4))
        county.withdraw(item(1))
        county.intake.reconcile()
        audited.round()

        assert audited.findings() == []
        assert sample("tongyuan_audit_unequal_total", channel="web", verdict="stale") > 0


def test_a_channel_that_is_late_for_longer_is_missing_what_is_new_and_shows_what_is_gone(county, tmp_path) -> None:
    county.settings = county.settings.model_copy(update={"audit_repair": False})
    with auditor_of(county, tmp_path) as audited:
        audited.round()
        county.release(item(4))
        county.withdraw(item(1))
        county.intake.reconcile()
        audited.round()

        expected = {("missing", f"item:{code_of(4)}"), ("orphan", f"item:{code_of(1)}")}
        assert {one[2:] for one in audited.found() if one[:2] == ("web", "changes")} == expected
        county.flow()
        audited.round()
        assert audited.found(only_open=True) == set()


def test_what_comes_into_effect_and_ends_later_is_no_difference(audited: Audited) -> None:
    county = audited.county
    soon = datetime.now(UTC) + timedelta(days=1)
    county.release(item(1, "明天的名字"), effective_at=soon)
    county.release(item(5), expires_at=soon)
    county.flow()
    audited.round()

    assert audited.findings() == []


def test_a_parked_entry_is_replayed_and_not_rebuilt(audited: Audited) -> None:
    county = audited.county
    project = county.channels["kiosk"].adapter
    county.channels["kiosk"].store.adapter = Clumsy(project)
    county.release(item(4))
    county.flow()
    county.channels["kiosk"].store.adapter = project
    audited.round()
    (finding,) = [one for one in audited.findings() if one["surface"] == "document"]

    assert (finding["key"], finding["verdict"], finding["repair"]) == (f"item:{code_of(4)}", "missing", "replay")
    assert audited.found(only_open=True) == set()
    assert county.get("kiosk/v1/parked", ADMIN).json() == {"parked": []}


class Clumsy:
    """An adapter that can show nothing."""

    def __init__(self, whole):
        self.name, self.title, self.summary = whole.name, whole.title, whole.summary

    def project(self, publication):
        raise ValueError("not today")


def test_what_cannot_be_repaired_stays_open_with_its_reason_and_is_not_tried_all_the_time(county, tmp_path) -> None:
    county.settings = county.settings.model_copy(update={"admin_token": None})
    with auditor_of(county, tmp_path) as audited:
        county.execute("kiosk", "DELETE FROM document WHERE key = :key", key=KEY)
        audited.round()
        audited.round()
        audited.round()
        findings = audited.findings(only_open=True)

        assert findings
        assert {one["attempts"] for one in findings} == {1}
        assert all("needs Authorization" in one["problem"] for one in findings)


def test_an_auditor_that_starts_anew_knows_what_was_open(county, tmp_path) -> None:
    county.settings = county.settings.model_copy(update={"audit_repair": False})
    with auditor_of(county, tmp_path) as first:
        county.execute("kiosk", "DELETE FROM document WHERE key = :key", key=KEY)
        first.round()
        before = first.found(only_open=True)
        assert before
    with auditor_of(county, tmp_path) as second:
        second.round()
        assert second.found(only_open=True) == before
        assert len(second.findings()) == len(before)
        county.rebuild("kiosk")
        second.round()
        assert second.found(only_open=True) == set()


def test_a_forged_ledger_is_found_and_no_channel_is_rebuilt_for_it(audited: Audited) -> None:
    audited.county.execute("ledger", "UPDATE head SET root = :root", root="ab" * 32)
    audited.round()

    assert audited.found(only_open=True) == {("ledger", "ledger", "different", "head")}


def test_a_ledger_that_is_shorter_than_before_is_found(audited: Audited) -> None:
    county = audited.county
    county.execute("ledger", "DELETE FROM entry WHERE position > 7")
    county.execute("ledger", "UPDATE log SET size = 7")
    audited.round()

    assert ("ledger", "ledger", "different", "size") in audited.found(only_open=True)


def test_without_the_ledger_nothing_is_compared_and_nothing_is_found(audited: Audited) -> None:
    audited.county.execute("ledger", "ALTER TABLE log RENAME TO lost")
    with pytest.raises(UpstreamDown):
        audited.round()
    audited.county.execute("ledger", "ALTER TABLE lost RENAME TO log")
    audited.round()

    assert audited.findings() == []


def test_one_damaged_document_has_one_document_written(audited: Audited) -> None:
    county = audited.county
    before = county.execute("web", "SELECT key, change FROM document ORDER BY key")
    county.execute("web", FORGE, key=KEY)
    audited.round()
    after = county.execute("web", "SELECT key, change FROM document ORDER BY key")

    assert audited.found(only_open=True) == set()
    assert {key for (key, _) in set(after) - set(before)} == {KEY}
    assert {one["repair"] for one in audited.findings()} == {"repair"}


def test_what_a_repair_of_single_keys_does_not_help_has_the_channel_rebuilt(audited: Audited, monkeypatch) -> None:
    county = audited.county
    monkeypatch.setattr(recovery_http, "repair", lambda _channel, wanted: wanted.keys)
    county.execute("web", FORGE, key=KEY)
    audited.round()
    assert audited.found(only_open=True), "it was said to be repaired, and was not"
    audited.round()

    assert audited.found(only_open=True) == set()
    assert ("rebuild", 2) in {(one["repair"], one["attempts"]) for one in audited.findings()}


def test_more_damage_than_a_channel_takes_at_once_has_it_rebuilt(audited: Audited, monkeypatch) -> None:
    monkeypatch.setattr(repairer, "MOST", 1)
    for number in (1, 2):
        audited.county.execute("web", FORGE, key=f"item:{code_of(number)}")
    audited.round()

    assert audited.found(only_open=True) == set()
    assert {one["repair"] for one in audited.findings()} == {"rebuild"}


def test_a_county_that_began_empty_has_its_first_turn_when_there_is_something(tmp_path) -> None:
    with pipeline(tmp_path, channels=["web"], **GENTLE) as county, auditor_of(county, tmp_path) as audited:
        county.flow()
        audited.auditor.step()
        county.release(item(1))
        county.flow()
        audited.auditor.step()

        assert audited.report()["channels"]["web"]["document"]["checked"] == 1


@pytest.mark.parametrize("path", ["source", "changes"])
def test_a_channel_that_is_always_a_version_ahead_of_the_auditor_is_no_finding(
    county: Pipeline, audited: Audited, path: str
) -> None:
    days = iter(range(1, 60))

    def moved_on(answer: Answer) -> Answer:
        county.release(item(2, promise_day=next(days)))
        county.flow()
        return replace(answer, body=county.http.get(f"/web/v1/{path}?since=0&limit=500").content)

    audited.between.lies[f"/web/v1/{path}"] = moved_on
    audited.round()
    audited.round()

    assert next(days) > 2, "the channel moved on whenever it was read"
    assert audited.findings() == []
