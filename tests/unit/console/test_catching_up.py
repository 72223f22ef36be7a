"""Two merges, one after the other: with the draft at the source, then with what was released beside it."""

from services.console.drafts.catching_up import caught_up
from services.console.drafts.working_copies import Base
from services.console.upstream.editions import Edition

START = {"a": 1, "b": 1, "c": 1}


def edition(draft, released, begun_from):
    return Edition("9", "released", 2, draft, released, begun_from, released, [], draft != released)


def base(draft=None, begun_from=None):
    known = begun_from or START
    return Base("1", draft or START, known, known, draft or START)


def test_what_was_released_beside_a_changed_draft_is_merged_too():
    now = edition({**START, "a": 2}, {**START, "b": 2}, START)

    done = caught_up(base(), now, {**START, "c": 2})

    assert (done.body, sorted(done.taken_over), done.conflicts) == ({"a": 2, "b": 2, "c": 2}, ["a", "b"], [])
    assert (done.base.etag, done.base.draft, done.base.merged) == ("9", now.draft, now.released)


def test_the_release_is_merged_only_when_the_draft_s_conflicts_are_decided():
    now = edition({**START, "a": 2}, {**START, "b": 2}, START)
    mine = {**START, "a": 3, "b": 3}

    asked = caught_up(base(), now, mine)
    assert [one.key for one in asked.conflicts] == ["draft:a"]
    assert (asked.body, asked.base) == (mine, base())

    again = caught_up(asked.base, now, asked.body, {"draft:a": "mine"})
    assert [one.key for one in again.conflicts] == ["released:b"]
    assert again.body == mine

    # The first decision is part of what the second is about; it is not asked again.
    done = caught_up(again.base, now, again.body, {"released:b": "theirs"})
    assert (done.body, done.conflicts) == ({"a": 3, "b": 2, "c": 1}, [])


def test_a_draft_that_somebody_saved_after_the_release_has_read_it():
    released = {**START, "b": 2}
    now = edition({**START, "b": 3}, released, released)

    done = caught_up(base(), now, {**START, "c": 2})

    assert (done.body, done.conflicts) == ({"a": 1, "b": 3, "c": 2}, [])


def test_a_draft_begun_before_the_release_is_brought_up_to_it_when_it_is_opened():
    draft, released = {**START, "a": 2}, {**START, "b": 2}
    now = edition(draft, released, START)

    assert caught_up(Base.of(now), now, draft).body == {"a": 2, "b": 2, "c": 1}
