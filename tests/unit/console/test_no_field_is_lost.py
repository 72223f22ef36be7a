"""Whoever writes, in whatever order: no field is lost (house rule: never a silent overwrite)."""

import pytest

from services.demo import content
from tests.harness.desk_sources import desk_sources
from tests.harness.interleavings import Interleaving

PARTS = 4
SEEDS, ALL_SEEDS = 100, 10_000


def lost_in(folder, seeds):
    found, conflicts = [], 0
    codes = sorted({guide.code[:31] for guide in content.guides()})
    with desk_sources(folder) as sources:
        for number, seed in enumerate(seeds):
            interleaving = Interleaving(sources, f"{codes[number // 99]}{number % 99 + 1:02d}", seed)
            found += [f"seed {seed}: {one}" for one in interleaving.run()]
            conflicts += interleaving.conflicts
    return found, conflicts


def test_whoever_writes_in_whatever_order_no_field_is_lost(tmp_path):
    found, conflicts = lost_in(tmp_path, range(SEEDS))

    assert found == []
    # Otherwise nobody has met anybody, and the test says nothing.
    assert conflicts > SEEDS / 10


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_no_field_is_lost_over_ten_thousand_interleavings(tmp_path, part):
    found, _ = lost_in(tmp_path, range(SEEDS + part, ALL_SEEDS, PARTS))

    assert found == []
