"""A ledger that was damaged in PostgreSQL: found, named, no reason to take anything away, mended, and whole again."""

import pytest

from services.channels.core.port import adapters
from services.channels.recovery.content_loss import WouldLose
from services.ledger.scrub.rounds import Scrub
from services.operations.verification.verifier import Verification
from shared.errors import Unavailable
from tests.harness.auditing import GENTLE, auditor_of
from tests.harness.kinds import recorded, release_of
from tests.harness.pipeline import SERVICE, code_of, guide, item, pipeline, progress
from tests.unit.operations.test_verification import Stranger

KEY = f"item:{code_of(2)}"
CHANNELS = ("web", "kiosk")
FORGED = f"guide:{code_of(9)}"
DAMAGES = {
    "body": "UPDATE entry SET body = replace(body, '居民身份证', '居民身份征') WHERE key = :key",
    "meta": "UPDATE entry SET meta = replace(meta, '339921000000', '339921000001') WHERE key = :key",
    "columns": "UPDATE entry SET kind = 'guide' WHERE key = :key",
    "tile": "UPDATE tile SET hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1) WHERE 'item' <> :key",
}


@pytest.fixture
def county(database_url, tmp_path):
    with pipeline(database_url, tmp_path, channels=CHANNELS, **GENTLE) as made:
        for number in (1, 2, 3):
            made.release(item(number))
            made.release(guide(number))
        made.release_case(progress())
        made.flow()
        made.flow()
        yield made


def verified(county):
    chosen = {name: adapters()[name] for name in CHANNELS}
    run = Verification(Stranger(county), 60, lambda _what, _count: None, patience=0).run(chosen)
    return {(one.where, one.verdict, one.key) for one in run.findings}


def scrub(county, readers):
    county.execute("ledger", "DELETE FROM scrub")
    made = Scrub(county.dbs["ledger"], readers, 86_400.0)
    while made.step():
        pass
    return [(one["part"], one["key"]) for one in county.get("ledger/v1/scrub", SERVICE).json()["damaged"]]


@pytest.mark.parametrize("part", DAMAGES)
def test_damage_is_found_and_mended_and_what_is_shown_stays(county, part, tmp_path):
    page = county.get(f"web/v1/items/{code_of(2)}").json()
    assert verified(county) == set()
    county.execute("ledger", DAMAGES[part], key=KEY)

    if part in ("body", "meta"):
        assert ("ledger", "broken", KEY) in verified(county) or part == "meta"
        assert (part, KEY) in scrub(county, {})
        for name in county.channels:
            with pytest.raises((WouldLose, Unavailable), match=f"{KEY}|not in the signed ledger"):
                county.rebuild(name, full=True)
        assert county.get(f"web/v1/items/{code_of(2)}").json() == page

    assert scrub(county, county.readers) == []
    assert verified(county) == set()
    for name in county.channels:
        assert county.rebuild(name, full=True).differences == []
    assert county.get(f"web/v1/items/{code_of(2)}").json() == page


def test_a_loss_is_refused_and_the_auditor_names_what_no_source_released(county, tmp_path):
    county.execute("ledger", DAMAGES["body"], key=KEY)
    with pytest.raises(WouldLose, match=KEY):
        county.rebuild("kiosk")
    scrub(county, county.readers)
    with auditor_of(county, tmp_path) as audited:
        body = guide(9).model_dump(mode="json", exclude_none=True)
        recorded(county, release_of(FORGED, body, source="guides", sequence=4))
        county.flow()
        county.flow()
        audited.round()

        assert ("ledger", "sources", "foreign", FORGED) in audited.found(only_open=True)
    assert ("guides", "foreign", FORGED) in verified(county)
