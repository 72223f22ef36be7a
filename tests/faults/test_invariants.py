"""The checker of fault runs: it passes what is sound, and a history spoilt in one place breaks exactly that rule."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope.publication import Op
from tests.harness.history import Mark
from tests.harness.invariants import RULES, check, judge
from tests.harness.invented import (
    OTHER_KEY,
    altered,
    dump_of,
    entry_of,
    mark_of,
    note,
    release_of,
    root_of,
    sound,
)

STEPS = [(1, False), (2, False), (1, False), (2, False), (3, False), (1, False)]
SPOILERS = {}


def spoils(rule):
    """A way to break one rule and no other."""

    def keep(spoil):
        SPOILERS[f"{rule}-{spoil.__name__}"] = (rule, spoil)
        return spoil

    return keep


@given(st.lists(st.tuples(st.integers(1, 4), st.booleans()), max_size=12))
def test_a_sound_history_breaks_no_rule(steps):
    assert check(sound(steps)) == {}


def last(history, op, actor=None):
    """Index of the last line of this kind."""
    return max(n for n, one in enumerate(history.lines) if one.op == op and actor in (None, one.actor))


def change(history, index, **fields):
    history.lines[index] = replace(history.lines[index], **fields)


@spoils("S1")
def an_acknowledged_release_is_not_taken_by_the_ledger(history):
    release = release_of("item:9", 1, 7)
    history.releases.append(release)
    history.lanes["catalog", "live"].head = 7
    history.add("editor", "release", key="item:9", version=1)


@spoils("S1")
def a_channel_stays_behind(history):
    history.channels["kiosk"] = dump_of(history, 5)


@spoils("S2")
def a_document_is_seen_before_it_was_asked_for(history):
    index = last(history, "release")
    change(history, index, began=900.0, t=900.1)


@spoils("S2")
def the_ledger_has_what_no_source_released(history):
    history.releases[-1] = history.releases[-1].model_copy(update={"digest": "e" * 64})
    for index, line in enumerate(history.lines):
        if any(mark.position == 6 for mark in line.marks):
            change(history, index, marks=())


@spoils("S2")
def a_withdrawal_is_seen_that_nobody_ever_made(history):
    history.saw("reader of web", "web", [Mark("item:77", 1, gone=True)], began=None)


@spoils("S3")
def an_older_version_is_seen_after_a_newer_one(history):
    marks = [mark_of(history.entries[0])]
    history.add("another reader", "saw", t=50.0, began=49.0, what="web", marks=tuple(marks))


@spoils("S3")
def a_screen_is_told_an_older_version_after_a_newer_one(history):
    history.add("screen of web", "saw", t=50.0, what="web", marks=(mark_of(history.entries[2]),))


@spoils("S3")
def what_was_withdrawn_is_seen_again(history):
    gone = Mark("item:1", 3, 6, gone=True)
    history.add("reader of web", "saw", t=50.0, began=50.0, what="web", marks=(gone,))
    history.add("reader of web", "saw", t=51.0, began=51.0, what="web", marks=(mark_of(history.entries[5]),))


@spoils("S4")
def a_draft_is_read_in_public(history):
    history.search("reader", "web", "here is a draft's word")


@spoils("S5")
def a_lane_counts_more_than_it_has(history):
    history.lanes["catalog", "live"].head += 1


@spoils("S5")
def a_version_is_in_the_ledger_twice(history):
    again = entry_of(history.releases[0], 7)
    history.entries.append(again)


@spoils("S6")
def a_channel_has_a_document_beyond_its_prefix(history):
    history.channels["web"] = dump_of(history, 6)
    history.channels["web"].position = 4


@spoils("S6")
def a_byte_of_a_document_is_another(history):
    history.channels["web"].content["item:2"] = "0" * 64


@spoils("S6")
def what_is_withdrawn_is_still_shown(history):
    gone = history.entries[4].model_copy(update={"op": Op.WITHDRAW})
    rewrite(history, gone)
    shown = replace(history.channels["web"].marks["item:3"], gone=False)
    history.channels["web"].marks["item:3"] = shown


@spoils("S7")
def an_effect_takes_place_twice(history):
    history.add("ledger", "effect", key="item:1/1")


@spoils("S8")
def a_head_of_another_history_is_seen(history):
    root = root_of([*history.entries[:2], altered(history.entries[2])])
    history.add("kiosk", "head", value=3, digest=root, note=note(3, root))


@spoils("S8")
def a_head_is_larger_than_the_log(history):
    history.add("kiosk", "head", value=7, digest="e" * 64, note=note(7, "e" * 64))


@spoils("S9")
def a_head_is_signed_by_a_stranger(history):
    line = history.lines[last(history, "head")]
    history.lines.append(replace(line, note=note(6, line.digest, OTHER_KEY)))


@spoils("S9")
def a_head_says_something_else_than_its_note(history):
    line = history.lines[last(history, "head")]
    history.lines.append(replace(line, note=note(5, line.digest)))


@spoils("S9")
def a_document_claims_another_place_in_the_log(history):
    moved = replace(mark_of(history.entries[4]), position=2)
    history.add("reader of web", "saw", t=50.0, began=50.0, what="web", marks=(moved,))


@spoils("S9")
def no_head_was_ever_signed(history):
    history.lines = [line for line in history.lines if line.op != "head"]


@spoils("S10")
def a_name_is_read_in_public(history):
    history.search("reader", "the log of web", "here is a name")


@spoils("S10")
def a_password_is_read_in_a_log(history):
    history.secrets.add("hunter2 of the broker")
    history.search("searcher", "the log of kiosk", "cannot connect with hunter2 of the broker")


@spoils("S11")
def one_answer_mixes_two_moments(history):
    marks = (mark_of(history.entries[0]), mark_of(history.entries[4]))
    history.add("a fresh reader", "saw", t=4.5, began=0.0, what="web", marks=marks)


@spoils("S12")
def an_act_leaves_no_record(history):
    history.add("operator", "act", note="rebuild web")


@spoils("S12")
def a_record_was_changed_afterwards(history):
    change(history, last(history, "audit"), digest="e" * 64)


@spoils("S13")
def a_release_that_was_taken_is_nowhere(history):
    history.releases.append(release_of("item:9", 1, 7))
    history.lanes["catalog", "live"].head = history.lanes["catalog", "live"].taken = 7


@spoils("S13")
def garbage_is_not_among_the_dead_letters(history):
    history.dead = set()


@spoils("S13")
def a_harmless_message_is_dead(history):
    history.dead.add("twice")


@spoils("S14")
def a_release_was_acknowledged_without_a_commit(history):
    history.releases.pop()
    history.entries.pop()
    history.lanes["catalog", "live"].head = history.lanes["catalog", "live"].taken = 5
    history.channels = {name: dump_of(history, 5) for name in history.channels}
    history.lines = [line for line in history.lines if not (line.op == "head" and line.value == 6)]
    for index, line in enumerate(history.lines):
        if any(mark.position == 6 for mark in line.marks):
            change(history, index, marks=())


@spoils("S14")
def a_write_is_taken_from_a_stranger(history):
    change(history, last(history, "write"), phase="ok")


@spoils("S15")
def descriptors_leak(history):
    history.add("web", "sample", what="descriptors", value=101)


def late(what, rule, seconds):
    def spoil(history):
        first, second = (n for n, one in enumerate(history.lines) if one.op == "state" and one.what == what)
        change(history, first, value=1.0)
        change(history, second, t=36.0 + seconds + 1)

    spoil.__name__ = f"{what}_comes_to_rest_too_late"
    spoils(rule)(spoil)


for what, rule, seconds in (("outbox", "L1", 30), ("behind", "L2", 60), ("queue", "L3", 60), ("canary", "L4", 30),
                            ("unready", "L5", 15)):  # fmt: skip
    late(what, rule, seconds)


@spoils("L2")
def a_channel_falls_behind_again(history):
    history.add("web", "state", t=99.0, what="behind", value=3)


@spoils("L6")
def a_loop_is_hot(history):
    history.add("web-worker", "count", t=9.0, what="retries", value=500)


@spoils("L7")
def an_alarm_stays(history):
    history.add("outbox is old", "state", t=90.0, what="alarm", value=1)


@spoils("L7")
def an_alarm_is_never_raised(history):
    history.add("nemesis", "fault", t=20.0, what="a channel is halted", note="halted")


@spoils("L8")
def a_read_of_what_was_up_fails(history):
    history.add("reader of web", "read", "fail", t=9.0, began=9.0, what="web")


@spoils("L9")
def a_lock_stays(history):
    history.add("advisory lock", "state", t=99.0, what="lock", value=11)


def rewrite(history, entry):
    """Another entry in its place, with everything that follows from it."""
    history.entries[entry.position - 1] = entry
    history.channels = {name: dump_of(history, len(history.entries)) for name in history.channels}
    for index, line in enumerate(history.lines):
        if line.op == "head":
            root = root_of(history.entries[: int(line.value)])
            change(history, index, digest=root, note=note(int(line.value), root))


@pytest.mark.parametrize("name", SPOILERS)
def test_a_history_that_is_spoilt_in_one_place_breaks_exactly_that_rule(name):
    rule, spoil = SPOILERS[name]
    history = sound(STEPS)
    spoil(history)

    assert set(check(history)) == {rule}
    with pytest.raises(AssertionError, match=f"^{rule}: "):
        judge(history)


def test_every_rule_has_a_history_that_breaks_it():
    assert {rule for rule, _ in SPOILERS.values()} == set(RULES)


def test_patience_multiplies_every_stated_time():
    history = sound(STEPS)
    SPOILERS["L5-unready_comes_to_rest_too_late"][1](history)
    history.patience = 3

    assert check(history) == {}


@given(st.lists(st.tuples(st.integers(1, 3), st.booleans()), min_size=2, max_size=8), st.data())
def test_whatever_entry_the_ledger_loses_is_missed(steps, data):
    history = sound(steps)
    del history.entries[data.draw(st.integers(0, len(steps) - 1))]

    assert {"S1"} <= set(check(history))
    assert {"S5", "S8"} & set(check(history))


@given(st.lists(st.tuples(st.integers(1, 3), st.booleans()), min_size=1, max_size=8), st.data())
def test_whatever_document_a_channel_loses_is_missed(steps, data):
    history = sound(steps)
    marks = history.channels["web"].marks
    del marks[data.draw(st.sampled_from(sorted(marks)))]

    assert {"S1", "S6"} <= set(check(history))


def test_a_run_is_kept_one_line_an_observation(tmp_path):
    history = sound(STEPS)
    history.save(tmp_path / "run.jsonl")

    assert len((tmp_path / "run.jsonl").read_text().splitlines()) == len(history.lines)
