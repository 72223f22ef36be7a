"""The ledger rereads itself: a flipped bit is found within a round, named, and repaired where that can be proven."""

from datetime import UTC, datetime

import orjson
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from contracts.base import format_time
from services.ledger.log.append import StoredTiles
from services.ledger.scrub import rounds
from services.ledger.scrub.check import check_entries, check_tree
from services.ledger.scrub.rounds import Scrub, told
from services.ledger.signing.heads import sign_head
from shared.errors import UpstreamDown
from tests.harness.pipeline import SERVICE, code_of, guide, item, pipeline, progress

DAY = 86_400.0


@pytest.fixture
def county(tmp_path):
    """Five entries: two items with a guide, a case, and the withdrawal of an item."""
    with pipeline(tmp_path, channels=("web",)) as made:
        fill(made)
        yield made


def fill(county):
    county.release(item(1))
    county.release(guide(1))
    county.release_case(progress())
    county.release(item(2))
    county.withdraw(item(2))
    county.flow()


class Unreachable:
    """Sources that do not answer."""

    def release(self, key, version):
        raise UpstreamDown("nobody answers")


def scrub(county, readers=None, interval=DAY):
    return Scrub(county.dbs["ledger"], county.readers if readers is None else readers, interval)


def whole_round(county, readers=None):
    """Run one round from its beginning. Return what the ledger reports then."""
    county.execute("ledger", "DELETE FROM scrub")
    made = scrub(county, readers)
    while made.step():
        pass
    return said(county)


def said(county):
    with county.dbs["ledger"].read() as session:
        return told(session)


def stored(county, position):
    (row,) = county.execute("ledger", "SELECT * FROM entry WHERE position = :at", at=position)
    return row._asdict()


def of_case(county):
    return county.execute("ledger", "SELECT position FROM entry WHERE kind = 'application'")[0].position


def unreachable():
    return dict.fromkeys(("catalog", "guides", "applications"), Unreachable())


def flip_body(county, position=1):
    body = stored(county, position)["body"].replace("居民身份证办理", "居民身份证辨理")
    county.execute("ledger", "UPDATE entry SET body = :body WHERE position = :at", body=body, at=position)


def flip_meta(county, position=1):
    meta = stored(county, position)["meta"].replace('"version":1', '"version":7')
    county.execute("ledger", "UPDATE entry SET meta = :meta WHERE position = :at", meta=meta, at=position)


def flip_tile(county, level=0, number=0, byte=3):
    (row,) = county.execute("ledger", "SELECT hashes FROM tile WHERE level = :l AND number = :n", l=level, n=number)
    hashes = bytearray(row.hashes)
    hashes[byte] ^= 1
    values = {"hashes": bytes(hashes), "l": level, "n": number}
    county.execute("ledger", "UPDATE tile SET hashes = :hashes WHERE level = :l AND number = :n", **values)


def damages(county, position, part):
    return [one for one in said(county)["damaged"] if (one["position"], one["part"]) == (position, part)]


def test_a_sound_ledger_is_read_whole_and_nothing_is_found(county):
    found = whole_round(county)

    assert (found["damaged"], found["mended"]) == ([], 0)
    assert found["finished_at"] is not None


DAMAGE = {
    "a flipped body": (flip_body, "body"),
    "a body that is gone": (lambda c: c.execute("ledger", "UPDATE entry SET body = NULL WHERE position = 1"), "body"),
    "a body that is no JSON": (lambda c: c.execute("ledger", "UPDATE entry SET body = '{' WHERE position = 1"), "body"),
    "a case's body that is gone": (
        lambda c: c.execute("ledger", "UPDATE entry SET body = NULL WHERE kind = 'application'"),
        "body",
    ),
    "a flipped meta": (flip_meta, "meta"),
    "a meta that is no JSON": (lambda c: c.execute("ledger", "UPDATE entry SET meta = '?' WHERE position = 1"), "meta"),
    "a wrong column": (lambda c: c.execute("ledger", "UPDATE entry SET kind = 'guide' WHERE position = 1"), "columns"),
    "a flipped tile": (flip_tile, "tile"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_named_and_kept_until_it_can_be_mended(county, damage):
    do, part = DAMAGE[damage]
    position = of_case(county) if "case" in damage else 1
    before = [stored(county, number) for number in range(1, 6)]
    do(county)

    found = whole_round(county, unreachable())["damaged"]
    if part in ("body", "meta"):
        ((one,),) = [[one for one in found if one["position"] == position]]
        assert (one["part"], one["key"], bool(one["detail"])) == (part, before[position - 1]["key"], True)
        assert "nobody answers" in one["problem"]
    assert scrub(county).step() == 0, "it mends at its start, and its round is not due"

    assert said(county)["damaged"] == []
    assert [stored(county, number) for number in range(1, 6)] == before
    assert whole_round(county)["mended"] >= 1
    assert check(county) == []


def check(county):
    with county.dbs["ledger"].read() as session:
        tree = check_tree(session, StoredTiles(session))
        return [*check_entries(session, 1, 5), *([tree] if tree else [])]


def test_a_body_that_law_erased_is_no_damage_and_does_not_come_back(county):
    position = of_case(county)
    county.execute("ledger", "UPDATE entry SET body = NULL WHERE position = :at", at=position)
    county.execute(
        "ledger",
        "INSERT INTO erasure (position, erased_at, reason, erased_by) VALUES (:at, :now, 'a request', 'an officer')",
        at=position,
        now=format_time(datetime.now(UTC)),
    )

    assert whole_round(county)["damaged"] == []
    assert stored(county, position)["body"] is None


def test_a_source_that_has_another_text_mends_nothing(county):
    flip_body(county)
    other = orjson.dumps({**orjson.loads(stored(county, 1)["body"]), "task_name": "别的"}).decode()
    (row,) = county.execute("catalog", "SELECT document FROM release WHERE key = :key", key=f"item:{code_of(1)}")
    document = {**orjson.loads(row.document), "body": orjson.loads(other)}
    values = {"document": orjson.dumps(document).decode(), "key": f"item:{code_of(1)}"}
    county.execute("catalog", "UPDATE release SET document = :document WHERE key = :key", **values)
    damaged = stored(county, 1)["body"]

    (one,) = whole_round(county)["damaged"]

    assert "its digest differs" in one["problem"]
    assert stored(county, 1)["body"] == damaged


def test_an_entry_that_nobody_released_is_not_mended(county):
    flip_body(county)
    county.execute("catalog", "DELETE FROM release")

    (one,) = whole_round(county)["damaged"]

    assert "catalog has no version 1" in one["problem"]


def test_a_round_goes_on_where_it_was_stopped(county, monkeypatch):
    monkeypatch.setattr(rounds, "LEAST", 2)
    county.execute("ledger", "DELETE FROM scrub")

    assert scrub(county).step() == 2
    assert said(county)["position"] == 2
    assert [scrub(county).step() for _ in range(2)] == [2, 1]
    assert said(county)["finished_at"] is not None


def test_a_small_ledger_rests_until_its_next_round(county):
    whole_round(county)
    made = scrub(county)

    assert made.step() == 0
    assert scrub(county, interval=1e-9).step() == 5


def test_a_ledger_that_was_put_back_is_read_from_its_beginning(county):
    county.execute("ledger", "INSERT INTO scrub (id, position, began_at) VALUES (1, 99, '2026-01-01T00:00:00.000000Z')")

    assert scrub(county).step() == 5


def test_what_was_put_right_from_outside_is_no_damage_any_more(county):
    body = stored(county, 1)["body"]
    flip_body(county)
    whole_round(county, unreachable())
    county.execute("ledger", "UPDATE entry SET body = :body WHERE position = 1", body=body)
    assert scrub(county, unreachable()).step() == 0

    assert said(county)["damaged"] == []


def test_services_and_metrics_tell_of_it_and_strangers_are_not_told(county):
    flip_body(county)
    whole_round(county, unreachable())

    assert county.get("ledger/v1/scrub").status_code == 401
    (one,) = county.get("ledger/v1/scrub", SERVICE).json()["damaged"]
    assert (one["position"], one["key"], one["part"]) == (1, f"item:{code_of(1)}", "body")
    assert county.get("ledger/v1/signer", SERVICE).json()["damaged"] == 1
    assert REGISTRY.get_sample_value("tongyuan_ledger_damaged") == 1


def test_full_tiles_and_the_hashes_above_them_are_read_and_mended(tmp_path):
    with pipeline(tmp_path, channels=()) as made:
        for number in range(1, 301):
            made.emit("catalog", f"item:{code_of(number)}", item(number).model_dump(mode="json", exclude_none=True))
        made.intake.reconcile()
        sign_head(made.dbs["ledger"], made.signer)
        assert whole_round(made)["damaged"] == []
        for level, byte in ((0, 40), (1, 5)):
            flip_tile(made, level, 0, byte)
            assert whole_round(made)["damaged"] == []
        assert said(made)["mended"] >= 2
        assert [row.part for row in made.execute("ledger", "SELECT DISTINCT part FROM damage")] == ["tile"]
        with made.dbs["ledger"].read() as session:
            assert check_entries(session, 1, 300) == []
            assert check_tree(session, StoredTiles(session)) is None


def test_the_scrub_reads_a_whole_ledger_through_its_columns(county):
    """Every position is read exactly once in a round."""
    county.execute("ledger", "DELETE FROM scrub")
    made, read = scrub(county), 0
    while step := made.step():
        read += step

    assert read == county.execute("ledger", text("SELECT size FROM log").text)[0].size
