"""The event stream of every channel: three answers in band, nothing missed, and a stuck screen hurts nobody."""

import threading

import pytest

from services.channels.api import live_stream as living
from shared.web import event_stream
from shared.web.event_stream import Frame, Stream
from tests.harness.pipeline import code_of, item, progress
from tests.harness.rabbitmq import wait_until
from tests.harness.screens import Screen
from tests.harness.stream_client import sent_to_client


@pytest.fixture
def fed(county, channel):
    """The county with a thread that feeds the stream, as beside HTTP."""
    stop = threading.Event()
    thread = threading.Thread(target=county.lives[channel].run, args=(stop,))
    thread.start()
    yield county
    stop.set()
    with county.dbs[channel].write() as session:
        county.dbs[channel].notifier.notify(session)
    thread.join()


def test_who_comes_first_is_told_where_the_channel_is(fed, channel):
    fed.release(item(1))
    fed.flow()
    with screen(fed, channel) as one:
        (sync,) = one.wait_for("sync")

    assert (one.status, one.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert one.headers["cache-control"] == "no-store"
    assert sync.id == sync.data["cursor"] == fed.get(f"{channel}/v1/changes").json()["cursor"]
    assert one.of("change") == []


def test_a_change_arrives_by_itself_and_is_the_document(fed, channel):
    with screen(fed, channel) as one:
        one.wait_for("sync")
        fed.release(item(1))
        fed.flow()
        (change,) = one.wait_for("change")

    (told,) = fed.get(f"{channel}/v1/changes").json()["changes"]
    assert change.data == told
    assert change.id == fed.get(f"{channel}/v1/changes").json()["cursor"]


def test_a_withdrawal_arrives_as_a_tombstone(fed, channel):
    fed.release(item(1))
    fed.flow()
    with screen(fed, channel) as one:
        one.wait_for("sync")
        fed.withdraw(item(1))
        fed.flow()
        (change,) = one.wait_for("change")

    assert (change.data["key"], change.data["document"]) == (f"item:{code_of(1)}", None)


def test_who_comes_back_gets_what_it_missed_before_it_is_up_to_date(fed, channel):
    with screen(fed, channel) as one:
        (sync,) = one.wait_for("sync")
    for number in (1, 2, 3):
        fed.release(item(number))
        fed.flow()
    with screen(fed, channel, sync.id) as back:
        back.wait_for("sync")

    assert [heard.event for heard in back.heard[:4]] == ["change", "change", "change", "sync"]
    assert [change.data["key"] for change in back.of("change")] == [f"item:{code_of(n)}" for n in (1, 2, 3)]


def test_who_missed_nothing_is_only_told_so(fed, channel):
    fed.release(item(1))
    fed.flow()
    with screen(fed, channel) as one:
        (sync,) = one.wait_for("sync")
    with screen(fed, channel, sync.id) as back:
        back.wait_for("sync")

    assert back.of("change") == []


@pytest.mark.parametrize("last_id", ["deadbeef.1", "nonsense", "1.x", "'; DROP TABLE"])
def test_a_place_in_another_life_is_answered_with_reset(fed, channel, last_id):
    with screen(fed, channel, last_id) as one:
        (reset,) = one.wait_for("reset")

    assert reset.data == {"reason": "epoch"}
    assert reset.id == fed.get(f"{channel}/v1/position").json()["cursor"]


def test_who_missed_too_much_is_told_to_start_over(fed, channel, monkeypatch):
    monkeypatch.setattr(living, "CATCH_UP", 2)
    with screen(fed, channel) as one:
        (sync,) = one.wait_for("sync")
    for number in (1, 2, 3):
        fed.release(item(number))
    fed.flow()
    with screen(fed, channel, sync.id) as back:
        (reset,) = back.wait_for("reset")

    assert reset.data == {"reason": "lag"}


def test_cases_are_never_told(fed, channel):
    with screen(fed, channel) as one:
        one.wait_for("sync")
        fed.release_case(progress())
        fed.release(item(1))
        fed.flow()
        one.wait_for("change")

    assert [change.data["key"] for change in one.of("change")] == [f"item:{code_of(1)}"]
    assert "application" not in str(one.heard)


def test_heads_tell_how_fresh_the_screen_is(fed, channel):
    with screen(fed, channel) as one:
        one.wait_for("sync")
        fed.flow()
        (head,) = one.wait_for("head")

    assert head.data["head"]["time"] == fed.get(f"{channel}/v1/position").json()["head"]["time"]


def test_what_changes_while_screens_come_and_go_is_missed_by_none(fed, channel):
    with screen(fed, channel) as one:
        last_id = one.wait_for("sync")[0].id
    writer = threading.Thread(target=release_each, args=(fed, range(1, 13)))
    writer.start()
    told: set[str] = set()

    def look_again():
        nonlocal last_id
        with screen(fed, channel, last_id) as again:
            again.wait_for("sync")
        told.update(change.data["key"] for change in again.of("change"))
        last_id = again.heard[-1].id
        return told == {f"item:{code_of(n)}" for n in range(1, 13)}

    wait_until(look_again, "a change was told to nobody")
    writer.join()


def test_so_is_who_missed_more_bytes_than_a_hello_takes(fed, channel, monkeypatch):
    monkeypatch.setattr(living, "CATCH_UP_BYTES", 100)
    with screen(fed, channel) as one:
        (sync,) = one.wait_for("sync")
    release_each(fed, (1, 2))
    with screen(fed, channel, sync.id) as back:
        (reset,) = back.wait_for("reset")

    assert reset.data == {"reason": "lag"}


def test_a_stuck_screen_is_cut_and_delays_nobody(fed, channel, monkeypatch):
    monkeypatch.setattr(event_stream, "SEND_TIMEOUT", 0.3)
    with screen(fed, channel) as stuck, screen(fed, channel) as fine:
        stuck.wait_for("sync")
        fine.wait_for("sync")
        stuck.stick()
        fed.release(item(1))
        fed.flow()
        fine.wait_for("change")

        assert stuck.ended.wait(60)
        assert not fine.ended.is_set()


@pytest.mark.parametrize("missed", [event_stream.RING, event_stream.RING + 1])
def test_who_falls_off_the_end_of_the_log_is_let_go_and_comes_back(missed):
    first, *others = (Frame(number, b".") for number in range(missed + 1))
    sent = sent_to_client(Stream("test"), [first], others)

    assert sent == ([b".", b"." * event_stream.RING] if missed == event_stream.RING else [b"."])


def test_the_log_is_bounded_in_bytes_and_is_given_out_in_parts(monkeypatch):
    monkeypatch.setattr(event_stream, "RING_BYTES", 1_000)
    monkeypatch.setattr(event_stream, "JOINED_BYTES", 250)
    first, *others = (Frame(number, f"{number:100}".encode()) for number in range(12))
    sent = sent_to_client(Stream("test"), [first], others[:10])

    assert b"".join(sent) == b"".join(frame.data for frame in (first, *others[:10]))
    assert max(map(len, sent)) <= 250
    assert sent_to_client(Stream("test"), [first], others) == [first.data], "it is not in the log any more"


def release_each(county, numbers):
    for number in numbers:
        county.release(item(number))
        county.flow()


def screen(county, channel, last_id=None):
    return Screen(county.http.app, f"/{channel}/v1/stream", last_id)
