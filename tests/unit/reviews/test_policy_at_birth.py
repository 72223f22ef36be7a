"""A county chooses at its birth whether it reviews, and keeps to it."""

import pytest

from contracts.content.gates import ReviewPolicy
from services.runtime.county_birth import county_of, settle
from services.runtime.county_check import CountyGate
from services.runtime.wiring import Wiring
from shared.config import load
from shared.errors import SettingsError
from shared.publishing.reviews import policy
from tests.harness.before_identity import put_back


def wiring(folder, review=None):
    return Wiring(load(data_dir=folder, review=review))


def born(folder, review=None):
    made = wiring(folder, review)
    settle(made, "catalog", county_of(made, ["catalog"]))
    made.close()


@pytest.mark.parametrize(("asked", "kept"), [(None, "none"), ("none", "none"), ("five", "five")])
def test_the_policy_is_written_at_birth(tmp_path, asked, kept):
    born(tmp_path, asked)
    made = wiring(tmp_path, asked)
    assert policy.known(made.database("catalog")) == ReviewPolicy(kept)
    born(tmp_path, asked)


@pytest.mark.parametrize(("first", "then"), [("five", "none"), ("none", "five")])
def test_a_start_with_another_policy_stops_and_names_the_setting(tmp_path, first, then):
    born(tmp_path, first)
    made = wiring(tmp_path, then)
    with pytest.raises(SettingsError, match=f"TONGYUAN_REVIEW: .* {first}, not {then}"):
        county_of(made, ["catalog", "guides"])
    with pytest.raises(SettingsError, match="TONGYUAN_REVIEW"):
        settle(made, "catalog", county_of(wiring(tmp_path, first), ["catalog"]))
    with pytest.raises(SettingsError, match="TONGYUAN_REVIEW"):
        CountyGate(made.database("catalog"), made.settings).look()


def test_a_store_of_before_reviews_counts_as_without(tmp_path):
    born(tmp_path, "none")
    made = wiring(tmp_path)
    with made.database("catalog").engine.begin() as connection:
        put_back(connection, "catalog", "0006")
    made.close()

    later = wiring(tmp_path, "five")
    with pytest.raises(SettingsError, match="born with the policy none"):
        settle(later, "catalog", county_of(later, ["catalog"]))


def test_a_setting_that_is_no_policy_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="TONGYUAN_REVIEW"):
        wiring(tmp_path, "three")
