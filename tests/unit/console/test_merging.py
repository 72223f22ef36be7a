"""Three-way merge by field: nothing that one side changed is lost, and no part is taken for another."""

from hypothesis import given
from hypothesis import strategies as st

from services.console.content.merging import merge

HUKOU, PHOTO, LEASE = ({"material_name": name, "copies": 1} for name in ("居民户口簿", "一寸照片", "租赁合同"))


def materials(*parts):
    return {"materials": [dict(part) for part in parts]}


def test_changes_of_different_fields_are_both_kept():
    done = merge({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 2})

    assert (done.body, done.taken_over, done.conflicts) == ({"a": 2, "b": 2}, ["a"], [])


def test_two_changes_of_one_field_are_a_conflict_with_all_three_values():
    conflict = merge({"a": 1}, {"a": 2}, {"a": 3}).conflicts[0]

    assert (conflict.path, conflict.base, conflict.theirs, conflict.mine) == ("a", 1, 2, 3)
    assert merge({"a": 1}, {"a": 2}, {"a": 3}, {conflict.key: "mine"}).body == {"a": 3}
    assert merge({"a": 1}, {"a": 2}, {"a": 3}, {conflict.key: "theirs"}).body == {"a": 2}


def test_the_same_change_on_both_sides_is_no_conflict():
    assert merge({"a": 1}, {"a": 2}, {"a": 2}).conflicts == []


def test_a_number_is_not_a_truth_value():
    assert merge({"a": 0}, {"a": False}, {"a": 1}).conflicts


def test_parts_are_matched_by_name_and_not_by_their_place():
    theirs = materials(PHOTO, HUKOU | {"copies": 2})
    mine = materials(HUKOU, PHOTO | {"copies": 3}, LEASE)

    done = merge(materials(HUKOU, PHOTO), theirs, mine)

    assert done.conflicts == []
    assert done.body == materials(PHOTO | {"copies": 3}, LEASE, HUKOU | {"copies": 2})


def test_a_part_that_one_side_removed_and_the_other_changed_is_a_conflict():
    done = merge(materials(HUKOU, PHOTO), materials(HUKOU), materials(HUKOU, PHOTO | {"copies": 2}))

    assert [(one.name, one.theirs, one.mine) for one in done.conflicts] == [("一寸照片", None, PHOTO | {"copies": 2})]


def test_a_part_that_one_side_removed_and_nobody_changed_is_gone():
    assert merge(materials(HUKOU, PHOTO), materials(HUKOU), materials(HUKOU, PHOTO)).body == materials(HUKOU)


def test_a_part_whose_name_was_mended_keeps_what_the_other_side_changed():
    renamed = HUKOU | {"material_name": "居民户口簿原件"}

    done = merge(materials(HUKOU), materials(HUKOU | {"copies": 2}), materials(renamed))

    assert (done.body, done.conflicts) == (materials(renamed | {"copies": 2}), [])


def test_a_part_put_in_the_place_of_another_is_not_that_other():
    done = merge(materials(HUKOU), materials(LEASE), materials(HUKOU | {"copies": 2}))

    assert [one.name for one in done.conflicts] == ["居民户口簿"]
    assert LEASE in done.body["materials"]


def test_two_parts_that_both_added_stay_two():
    done = merge(materials(HUKOU), materials(HUKOU, PHOTO), materials(HUKOU, LEASE))

    assert {one["material_name"] for one in done.body["materials"]} == {"居民户口簿", "一寸照片", "租赁合同"}


def test_two_orders_are_a_conflict():
    done = merge(materials(HUKOU, PHOTO, LEASE), materials(PHOTO, HUKOU, LEASE), materials(LEASE, HUKOU, PHOTO))

    assert [one.path for one in done.conflicts] == ["materials.order"]


def test_a_field_that_this_version_does_not_know_is_merged_like_any_other():
    assert merge({"new": 1}, {"new": 2}, {"new": 1}).body == {"new": 2}


NAMES = ["甲证", "乙表", "丙书", "丁照"]
PARTS = st.lists(
    st.builds(
        lambda name, copies: {"material_name": name, "copies": copies}, st.sampled_from(NAMES), st.integers(0, 3)
    ),
    max_size=4,
    unique_by=lambda part: part["material_name"],
)
BODIES = st.fixed_dictionaries({"a": st.integers(0, 2), "b": st.integers(0, 2), "materials": PARTS})


@given(BODIES, BODIES)
def test_what_only_one_side_changed_is_its_change(base, changed):
    assert merge(base, changed, base).body == changed
    assert merge(base, base, changed).body == changed
    assert merge(base, changed, changed).body == changed


@given(BODIES, BODIES, BODIES)
def test_decided_for_one_side_nothing_is_left_to_decide(base, theirs, mine):
    asked = merge(base, theirs, mine)
    for side in ("mine", "theirs"):
        assert merge(base, theirs, mine, {one.key: side for one in asked.conflicts}).conflicts == []


@given(BODIES, BODIES, BODIES)
def test_a_scalar_field_is_never_what_nobody_wrote(base, theirs, mine):
    done = merge(base, theirs, mine)

    for name in ("a", "b"):
        assert done.body[name] in (theirs[name], mine[name])
        if theirs[name] != base[name] != mine[name] != theirs[name]:
            assert name in [one.path for one in done.conflicts]
