"""The chain of an audit log: any change of any row is found, and a body's changed fields are told in bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audit.chain import GENESIS, document_of, faults, row_hash
from shared.audit.differences import MOST_BYTES, MOST_FIELDS, differences
from shared.transparency.canonical import canonical, digest

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
BODIES = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=12,
)
DICTIONARIES = st.dictionaries(st.sampled_from("abcdef"), BODIES, max_size=6)


def chained(number: int) -> list[dict]:
    rows, previous = [], GENESIS
    for sequence in range(1, number + 1):
        changes = [{"field": "fee", "before": None, "after": sequence}]
        row = {"sequence": sequence, "at": f"2026-11-30T00:00:{sequence:02d}.000000Z", "action": "save"}
        row |= {"object": f"item:{sequence}", "changes": changes, "changes_digest": digest(changes)}
        previous = row["hash"] = row_hash(previous, sequence, row["at"], document_of(row))
        rows.insert(0, row)
    return rows


def test_a_log_that_nobody_touched_has_no_fault():
    assert list(faults(chained(9))) == []
    assert list(faults([])) == []


@pytest.mark.parametrize("place", [0, 4, 8])
@pytest.mark.parametrize(
    "change",
    [{"at": "2020-01-01T00:00:00.000000Z"}, {"object": "item:other"}, {"changes": []}, {"hash": "f" * 64}, None],
)
def test_any_change_of_any_row_is_found(place, change):
    rows = chained(9)
    if change is None:
        del rows[place]
    else:
        rows[place] |= change
    # Without the newest row the rest is a valid log: only its signed head tells that a row is gone.
    expected = change != {"changes": []} and not (change is None and place == 0)

    assert bool(list(faults(rows))) == expected


def test_changed_fields_that_are_shown_must_be_those_that_were_written():
    rows = chained(3)
    rows[1]["changes"] = [{"field": "fee", "before": None, "after": 7}]

    assert list(faults(rows)) == ["row 2 is not what was written: its changed fields differ"]


@given(DICTIONARIES, DICTIONARIES)
def test_the_differences_turn_one_body_into_the_other(before, after):
    found = differences(before, after)

    assert (found == []) == (_filled(before) == _filled(after))
    assert [one["field"] for one in found] == sorted(one["field"] for one in found) or len(found) > 1
    for one in found:
        assert _at(before, one["field"]) == one["before"]
        assert _at(after, one["field"]) == one["after"]


def test_personal_numbers_in_texts_are_masked():
    (one,) = differences({"remark": "电话 13812345678"}, {"remark": ["身份证 11010519491231002X"]})

    assert one == {"field": "remark", "before": "电话 ****", "after": ["身份证 ****"]}


def test_large_differences_are_told_by_digests_and_counted():
    many = {f"f{number:04d}": "长" * 99 for number in range(MOST_FIELDS + 7)}
    found = differences({}, many)

    assert len(found) == MOST_FIELDS + 1
    assert found[-1]["more"] == 7
    assert len(canonical([one for one in found if isinstance(one["after"], str)])) < MOST_BYTES * 2
    assert found[MOST_FIELDS - 1]["after"] == {"sha256": digest("长" * 99)}


def _filled(body):
    """Drop what is null: null and absent are one."""
    if isinstance(body, dict):
        return {name: value for name, inner in body.items() if (value := _filled(inner)) is not None}
    return body


def _at(body, path):
    for name in path.split("."):
        if isinstance(body, dict):
            body = body.get(name)
        elif isinstance(body, list):
            body = body[int(name)]
    return body
