"""`tongyuan keys` for sources: rotate, revoke and sign again report what they did and refuse what they cannot do."""

import json

import pytest
from typer.testing import CliRunner

from contracts.envelope.publication import Lane
from services.cli.app import app
from services.ledger.sources.keys import SourceKeys
from shared.signing.ring import read_ring
from tests.harness.pipeline import code_of, item, pipeline
from tests.harness.signing import key_file, listed, recorded, sign_releases

WELL, PROBLEM, USAGE = 0, 1, 2


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=[]) as made:
        sign_releases(made)
        made.release(item(1))
        made.release(item(2))
        made.intake.reconcile()
        yield made


def keys(county, *arguments):
    return CliRunner().invoke(app, ["keys", *arguments, "--data-dir", str(county.settings.data_dir)])


def test_a_source_gets_a_new_key_and_the_old_one_signs_on_for_a_while(county):
    done = keys(county, "rotate", "--source", "catalog", "--json")
    said = json.loads(done.stdout)

    assert done.exit_code == WELL
    assert said["new"].startswith("tongyuan/339921000000/catalog+")
    assert [one.until is None for one in read_ring(key_file(county, "catalog"))] == [False, True]
    assert keys(county, "rotate", "--source", "catalog").exit_code == PROBLEM


@pytest.mark.parametrize(
    "arguments",
    [
        ("rotate", "--source", "web"),
        ("sign", "--source", "ledger", "--from", "live=1"),
        ("sign", "--source", "catalog", "--from", "live"),
        ("sign", "--source", "catalog", "--from", "live=0"),
        ("revoke", "00000000", "--from", "fax=1"),
    ],
)
def test_what_names_no_source_lane_or_number_is_usage_and_changes_nothing(county, arguments):
    before = key_file(county, "catalog").read_bytes(), listed(county)

    assert keys(county, *arguments).exit_code == USAGE
    assert (key_file(county, "catalog").read_bytes(), listed(county)) == before


def test_a_key_is_revoked_and_what_it_signed_from_there_is_named(county):
    (key,) = listed(county)
    done = keys(county, "revoke", key.key_id, "--from", "live=2", "--json")
    said = json.loads(done.stdout)

    assert done.exit_code == WELL
    assert said["revoked_from"] == {"position": 3, "sequences": {"live": 2}}
    assert [(one["position"], one["key"]) for one in said["flagged"]] == [(2, f"item:{code_of(2)}")]
    assert keys(county, "revoke", key.key_id, "--from", "live=2").exit_code == PROBLEM
    assert keys(county, "revoke", "00000000").exit_code == PROBLEM


def test_what_waits_under_a_revoked_key_is_signed_again_and_recorded(county):
    county.release(item(3))
    (key,) = listed(county)
    keys(county, "rotate", "--source", "catalog")
    SourceKeys(county.dbs["ledger"], county.signer.name, "catalog").learn(county.readers["catalog"].keys())
    keys(county, "revoke", key.key_id, "--from", "live=3")
    county.intake.reconcile()
    waiting = recorded(county)
    done = keys(county, "sign", "--source", "catalog", "--from", "live=3")
    county.intake.reconcile()

    assert "1 releases of catalog/live" in done.stdout
    assert (len(waiting), len(recorded(county))) == (2, 3)
    assert county.readers["catalog"].releases(Lane.LIVE, 2, 1)[0].source_signature.count("\n") == 2
