"""Readers report errors in a guide: the owner gets each report once despite failures, and nobody learns who sent it."""

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from contracts.content.feedback import GUIDE_WRONG, LONGEST_TEXT, TAGS
from contracts.topology import FEEDBACK_EXCHANGE, FEEDBACK_QUEUE
from services.channels.api.reader_feedback import LANE, FeedbackBox, FeedbackFeed
from services.channels.web.feedback_form import TAG_TEXTS
from services.guides.feedback import FeedbackStore
from shared import metrics
from shared.errors import Conflict, Invalid, NotFound, TooManyRequests, Unconfirmed
from shared.feeds.relay import Relay
from shared.messaging.delivery import Message
from tests.harness.actors import TESTER
from tests.harness.pipeline import ADMIN, REGION, Pipeline, code_of, guide, item, pipeline

CODE = code_of(1)
FORM = "0123456789abcdef0123456789abcdef"
WORD = {"code": CODE, "guide_version": 1, "tags": ["109"], "text": "窗口还要居住证明", "id": FORM}


@pytest.fixture
def county(tmp_path) -> Iterator[Pipeline]:
    with pipeline(tmp_path, channels=["web"]) as made:
        yield made


@pytest.fixture
def shown(county):
    """A county that shows one guide."""
    county.release(item(1))
    county.release(guide(1))
    county.flow()
    return county


def relay_of(county, *, bound=True):
    if bound:
        county.bus.bind(FEEDBACK_EXCHANGE, stored(county).take, FEEDBACK_QUEUE)
    feed = FeedbackFeed(REGION, "web")
    return Relay(county.dbs["web"], feed, LANE, lambda: county.bus.publisher(FEEDBACK_EXCHANGE), idle=feed.forget)


def stored(county):
    return FeedbackStore(county.dbs["guides"])


def kept(county, **asked):
    headers = {"Authorization": f"Bearer {ADMIN}"}
    return county.http.get("/guides/v1/feedback", params=asked, headers=headers).json()


def say(county, headers=None, **fields):
    form = {"tag": ["109", "111"], "text": "窗口还要居住证明", "form": FORM, "version": "1", **fields}
    return county.http.post(f"/web/items/{CODE}/feedback", data=form, headers=headers)


def waiting(county):
    with county.dbs["web"].read() as session:
        return [row.document for row in session.connection().execute(text("SELECT document FROM feedback"))]


def test_what_a_reader_says_reaches_the_guides_and_is_forgotten_where_it_was_said(shown):
    relay = relay_of(shown)

    assert say(shown).status_code == 200
    while relay.step():
        pass

    (row,) = kept(shown, state="open")["feedback"]
    assert (row["code"], row["guide_version"], row["text"], row["state"]) == (CODE, 1, "窗口还要居住证明", "open")
    assert row["tags"] == {tag: TAGS[tag] for tag in ("109", "111")}
    assert waiting(shown) == []


def test_a_form_that_is_sent_twice_and_a_message_that_comes_twice_are_one(shown):
    relay = relay_of(shown)
    say(shown)
    say(shown)
    relay.step()
    say(shown)  # after it was deleted here
    with shown.dbs["web"].write() as session:
        session.connection().execute(text("DELETE FROM relayed"))  # killed before the cursor was stored
    relay_of(shown).step()

    assert len(kept(shown)["feedback"]) == 1


def test_without_the_broker_it_waits_and_arrives_later(shown):
    away = relay_of(shown, bound=False)
    assert say(shown).status_code == 200
    with pytest.raises(Unconfirmed):
        away.step()
    assert len(waiting(shown)) == 1

    relay_of(shown).step()

    assert kept(shown)["open"] == 1


def test_numbers_have_no_hole_however_many_speak_at_once(county):
    box = FeedbackBox(county.dbs["web"], "web", county.settings.model_copy(update={"feedback_limit": "1000/hour"}))
    speakers = [
        threading.Thread(target=lambda: [box.give({**WORD, "id": ""}, "a") for _ in range(8)]) for _ in range(4)
    ]
    for speaker in speakers:
        speaker.start()
    for speaker in speakers:
        speaker.join()

    messages = FeedbackFeed(REGION, "web").messages(county.dbs["web"], 0, 100)
    assert [message.sequence for message in messages] == list(range(1, 33))


def test_who_said_it_is_nowhere(shown, tmp_path):
    say(shown)
    address = "testclient"

    stored = b"".join(path.read_bytes() for path in tmp_path.glob("web.db*"))

    assert address.encode() not in stored
    assert not any(address in document for document in waiting(shown))
    assert "set-cookie" not in say(shown).headers


@pytest.mark.parametrize(
    "number", ["13812345678", "138 1234 5678", "１３８１２３４５６７８", "11010519491231002X", "a@yunxi.example"]
)
def test_a_number_of_somebody_is_refused_and_stored_nowhere(shown, number):
    answer = say(shown, text=f"请打{number}找我")

    assert answer.status_code == 422
    assert "请删掉再提交" in answer.text
    assert waiting(shown) == []


def test_what_slips_through_a_channel_is_masked_by_the_owner(county):
    body = FeedbackFeed(REGION, "web")
    FeedbackBox(county.dbs["web"], "web", county.settings).give(WORD, "a")
    (message,) = body.messages(county.dbs["web"], 0, 1)
    forged = Message(message.body.replace("窗口还要".encode(), b"13812345678 "), message.routing_key, "x")

    assert stored(county).take([forged]) == []
    (row,) = stored(county).page(None, None, 0, 10)["feedback"]
    assert "13812345678" not in row["text"]


@pytest.mark.parametrize("body", [b"{}", b"no json", b'{"type": "tongyuan.item.released"}', "无".encode()])
def test_what_is_no_feedback_is_refused_and_holds_nothing_up(county, body):
    FeedbackBox(county.dbs["web"], "web", county.settings).give(WORD, "a")
    good = FeedbackFeed(REGION, "web").messages(county.dbs["web"], 0, 1)

    refused = stored(county).take([Message(body, "x", "x"), *good])

    assert [refusal.index for refusal in refused] == [0]
    assert stored(county).count_open() == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"tags": [], "text": " "}, "tags"),
        ({"tags": ["999"]}, "tags"),
        ({"text": "长" * (LONGEST_TEXT + 1)}, "text"),
        ({"text": "看不\u202e见"}, "text"),
        ({"code": "x"}, "code"),
    ],
)
def test_what_cannot_be_is_named(county, fields, field):
    with pytest.raises(Invalid) as refused:
        FeedbackBox(county.dbs["web"], "web", county.settings).give({**WORD, **fields}, "a")

    assert {violation.field for violation in refused.value.violations} == {field}


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_another_site_cannot_have_its_visitors_speak(shown, headers):
    assert say(shown, headers).status_code == 403
    assert waiting(shown) == []


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://testserver"}, {}])
def test_a_page_of_this_site_and_a_browser_that_says_nothing_can(shown, headers):
    assert say(shown, headers).status_code == 200


def test_one_address_is_asked_to_wait(county):
    box = FeedbackBox(county.dbs["web"], "web", county.settings.model_copy(update={"feedback_limit": "2/hour"}))
    for _ in range(2):
        box.give({**WORD, "id": ""}, "198.51.100.7")

    with pytest.raises(TooManyRequests):
        box.give({**WORD, "id": ""}, "198.51.100.7")
    box.give({**WORD, "id": ""}, "198.51.100.8")


def waits():
    return metrics.feedback_waits.collect()[0].samples[0].value


def test_it_is_open_until_it_is_answered_and_closed_for_good(shown):
    relay = relay_of(shown)
    say(shown)
    relay.step()
    assert kept(shown)["open"] == 1
    gauge = metrics.feedback_open.collect()[0].samples[0]
    assert gauge.value == 1
    assert waits() > 0

    feedback = stored(shown)
    answered = feedback.answer(TESTER, FORM, "已改正")
    closed = feedback.close(TESTER, FORM)
    assert feedback.close(TESTER, FORM) == closed
    with pytest.raises(Conflict):
        feedback.answer(TESTER, FORM, "再说一句")
    with pytest.raises(NotFound):
        feedback.close(TESTER, "f" * 32)

    assert (answered["state"], closed["state"], closed["answer"]) == ("answered", "closed", "已改正")
    assert kept(shown, state="open") == {"feedback": [], "open": 0, "next": None}
    assert waits() == 0


def test_only_editors_read_it(shown):
    assert shown.get("guides/v1/feedback").status_code == 401


def test_a_guide_that_is_gone_has_no_form(shown):
    shown.withdraw(item(1))
    shown.flow()

    assert say(shown).status_code == 410
    assert shown.get(f"web/items/{code_of(2)}/feedback").status_code == 404


def test_the_form_needs_no_script_and_offers_every_tag_that_says_a_guide_is_wrong(shown):
    page = shown.get(f"web/items/{CODE}/feedback")

    assert tuple(TAG_TEXTS) == GUIDE_WRONG
    assert all(f'name="tag" value="{tag}"' in page.text for tag in GUIDE_WRONG)
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["cache-control"] == "no-store"


def test_what_was_written_comes_back_as_text(shown):
    page = say(shown, text="</textarea><script>alert(1)</script> 13812345678").text

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_unit_reads_what_concerns_its_own_items(shown):
    relay = relay_of(shown)
    say(shown)
    relay.step()
    unit = kept(shown)["feedback"][0]["code"][:18]

    assert kept(shown, unit=unit)["open"] == 1
    assert kept(shown, unit="9" * 18) == {"feedback": [], "open": 0, "next": None}
