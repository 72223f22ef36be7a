"""Which row of a code counts in one file: the last, but never an older version after a newer one."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from services.importing.engine.report import sums
from tests.harness.importing import exchange_row, imported, outcomes_of
from tests.harness.pipeline import code_of

CODE, OTHER = code_of(1), code_of(2)
SITUATION = CODE + "01"
GONE = {"cd_operation": "D"}


class Nobody:
    """A county that accepts everything, so that only the file decides."""

    def post(self, service, path, content):
        entries = [taken(entry, service) for entry in content.get("entries", [])]
        return {"entries": entries, "rejected": [], "warnings": [], "live": 0, "directory": []}

    def get(self, service, path, **params):
        return {"codes": []}


def taken(entry, service):
    gone = entry.get("state") in ("withdrawn", "suspended")
    empty = dict.fromkeys(("fields", "kept", "overrides", "emptied", "corrected", "unknown"), ())
    return {
        **{name: list(value) for name, value in empty.items()},
        "row": entry["row"],
        "code": entry["code"],
        "fate": "withdrawn" if gone else "released",
        "on": not gone,
        "shared": {},
        "note": None,
        "before": False,
        "was_live": gone,
        "news": True,
        "waits": False,
        "refused": [],
    }


def fates(*rows):
    course, _ = imported(Nobody(), outcomes_of(rows))
    results = sorted(course.results, key=lambda one: one.number)
    return [one.reasons[0].rule if one.reasons else str(one.fate) for one in results]


def row(**changes):
    return exchange_row(1, **changes)


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ({}, ["released", "overtaken"]),
        ({"task_name": "另一个名字"}, ["released", "C-9"]),
        ({"task_code": OTHER}, ["released", "released"]),
        (GONE, ["overtaken", "withdrawn"]),
        ({"task_state": "2"}, ["overtaken", "withdrawn"]),
        ({"task_code": SITUATION}, ["released", "C-9"]),
    ],
)
def test_what_becomes_of_a_second_row(second, told):
    assert fates(row(), row(**second)) == told


@pytest.mark.parametrize(
    ("versions", "told"),
    [
        ((1, 2), ["overtaken", "released"]),
        ((2, 1), ["released", "overtaken"]),
        ((1, 1), ["released", "C-9"]),
        ((1, 3, 2), ["overtaken", "released", "overtaken"]),
    ],
)
def test_versions_of_one_item_follow_each_other(versions, told):
    rows = [row(task_version=version, task_name=f"名{place}") for place, version in enumerate(versions)]

    assert fates(*rows) == told


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{**GONE, "task_version": 1}, {"task_version": 2}], ["overtaken", "released"]),
        ([{**GONE, "task_version": 2}, {"task_version": 2}], ["overtaken", "released"]),
        ([{"task_version": 2}, {**GONE, "task_version": 2}], ["overtaken", "withdrawn"]),
        ([{"task_version": 2}, {**GONE, "task_version": 1}], ["released", "overtaken"]),
        ([GONE, {}], ["overtaken", "released"]),
        ([{"task_state": "2"}, {"task_state": "1"}], ["overtaken", "released"]),
        ([{"task_state": "1"}, {"task_state": "2"}, {"task_state": "1"}], ["overtaken", "overtaken", "released"]),
    ],
)
def test_the_last_word_about_a_state_counts_but_no_older_one(rows, told):
    assert fates(*(row(**changes) for changes in rows)) == told


def test_a_contradiction_names_the_other_row_and_the_files_column():
    course, _ = imported(Nobody(), outcomes_of([row(), row(task_name="另一个名字")]))
    (reason,) = next(one for one in course.results if one.number == 2).reasons

    assert "row 1" in reason.message


def test_an_item_is_one_31_code_or_its_situations_whichever_comes_first():
    situations = [row(task_code=CODE + number, task_name=number) for number in ("01", "02")]

    assert fates(*situations, row()) == ["released", "released", "C-9"]
    assert fates(row(), *situations) == ["released", "C-9", "C-9"]


def test_a_withdrawn_whole_makes_room_for_its_situations():
    assert fates(row(), row(**GONE), row(task_code=SITUATION)) == ["overtaken", "withdrawn", "released"]


def test_a_rejected_row_does_not_take_the_code_from_a_good_one():
    assert fates(row(plan_cancel_date="很快"), row()) == ["date", "released"]


def test_a_split_of_which_a_situation_is_rejected_is_rejected_as_a_whole():
    rows = [row(**GONE), row(task_code=SITUATION), row(task_code=CODE + "02", plan_cancel_date="很快")]

    assert fates(*rows) == ["one_change", "one_change", "date"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([CODE, OTHER, SITUATION]),
            st.sampled_from(["甲", "乙", "?"]),
            st.sampled_from([None, 1, 2]),
            st.sampled_from([None, "D", "I"]),
        ),
        max_size=10,
    )
)
def test_each_row_has_exactly_one_outcome_whatever_stands_in_the_file(pattern):
    rows = [
        row(task_code=code, task_name=name, task_version=version, cd_operation=operation)
        | ({"plan_cancel_date": "?"} if name == "?" else {})
        for code, name, version, operation in pattern
    ]
    course, _ = imported(Nobody(), outcomes_of(rows))

    assert sorted(one.number for one in course.results) == list(range(1, len(rows) + 1))
    assert sum(sums(course)["outcomes"].values()) == len(rows)


def test_an_update_without_a_version_is_the_later_word():
    first, update = {"cd_operation": "I"}, {"cd_operation": "U", "promise_day": 3}

    assert fates(row(**first), row(**update)) == ["overtaken", "released"]
    assert fates(row(**first, task_version=1), row(**update, task_version=1)) == ["released", "C-9"]
    assert fates(row(**update, task_version=2), row(**update | {"task_version": 1})) == ["released", "overtaken"]
