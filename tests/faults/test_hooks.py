"""F52: receivers of webhooks that are slow, wrong or hostile, and what is promised to those that are not."""

import hashlib
import hmac
import json
import ssl
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from contracts.codes.tables import CASE_STAGE
from services.channels.mobile import news
from services.subscriptions.webhooks import sender
from shared.webhooks.addresses import is_public
from shared.webhooks.schedule import seconds_to_wait
from tests.harness.certificates import Authority
from tests.harness.county import wait_for
from tests.harness.pipeline import PROJECT_NO, QUERY_CODE, pipeline, progress
from tests.harness.receivers import Receiver, receiver, status
from tests.harness.subscribing import GIVES_UP, QUICK, App, heard

OTHER_NO = "37-2020-2"
WRONG_CODE = "YYYY-YYYY-YYYY"
OK = status(204)
SHORT = (0.0,) * 1000
"""So many tries that on no machine they come to an end."""


@pytest.fixture
def app(tmp_path, monkeypatch) -> Iterator[App]:
    monkeypatch.setattr(news, "REST_SECONDS", 0.01)
    monkeypatch.setattr(news, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(sender, "TURN_SECONDS", 0.01)
    monkeypatch.setattr(sender, "IDLE_SECONDS", 0.05)
    limits = {"lookup_limit": "1000/second", "lookup_case_limit": "1000/second"}
    with pipeline(tmp_path, channels=["mobile"], **limits) as county:
        yield App(county)


def verified(told: Any, secret: str) -> Any:
    """The body, when it is signed as https://www.standardwebhooks.com says."""
    signs = f"{told.id}.{told.headers['webhook-timestamp']}.".encode() + told.body
    mac = hmac.new(b64decode(secret.removeprefix("whsec_")), signs, hashlib.sha256).digest()
    assert f"v1,{b64encode(mac).decode()}" in told.headers["webhook-signature"].split(" ")
    return json.loads(told.body)


def test_a_subscriber_is_told_that_there_is_news_and_the_stage_and_nothing_else(app):
    with receiver(OK) as backend:
        app.allow(backend.host)
        hook = app.subscribe(backend.url)
        app.advance("2")
        app.until(lambda: app.standing(hook)["failures"] == 0 and backend.calls, "told")
        (call,) = backend.calls

    body = verified(call, hook["secret"])
    assert body["type"] == "application.advanced"
    assert body["data"] == {"subscription": hook["id"], "version": 2, "stage": "2", "stage_label": CASE_STAGE["2"]}
    key = app.county.execute("mobile", "SELECT case_ref FROM hook")[0].case_ref
    assert not any(word.encode() in call.body for word in (PROJECT_NO, QUERY_CODE, key, progress().item_code))


def test_what_was_true_at_the_subscription_is_no_news(app):
    with receiver(OK) as backend, receiver(OK) as other:
        app.allow(backend.host, other.host)
        app.advance("2")
        app.subscribe(backend.url)
        app.county.rebuild("mobile")
        app.county.rebuild("mobile", new_epoch=True)
        told(app, other)

        assert backend.calls == []


def test_a_slow_receiver_delays_nobody(app):
    with receiver(b"") as slow, receiver(status(200), endless=b"x") as endless, receiver(OK) as prompt:
        app.allow(slow.host, endless.host, prompt.host)
        waiting = [app.subscribe(f"{slow.url}/{number}") for number in range(3)]
        ready = [app.subscribe(f"{prompt.url}/{number}") for number in range(3, 5)]
        app.advance("2")
        with app.calling(rests=SHORT, patience=GIVES_UP):
            wait_for(lambda: all(heard(app, hook) for hook in ready), "the prompt one is told")
            wait_for(lambda: all(app.standing(hook)["failures"] for hook in waiting), "the slow one is given up")

        assert {call.path for call in slow.calls} == {"/hooks/0", "/hooks/1", "/hooks/2"}
        assert not any(heard(app, hook) for hook in waiting)


def test_an_answer_that_comes_byte_by_byte_is_given_up(app):
    with receiver(b"HTTP/1.1 200 OK\r\nX: ", endless=b"x") as dripping:
        app.allow(dripping.host)
        hook = app.subscribe(dripping.url)
        app.advance("2")
        with app.calling(rests=(600.0,), patience=GIVES_UP):
            wait_for(lambda: app.standing(hook)["failures"], "given up")

        assert app.standing(hook)["problem"] == "TimeoutError"


def test_a_huge_answer_is_not_read(app):
    with receiver(b"HTTP/1.1 200 OK\r\n\r\n", endless=b"x" * 65_536) as hostile:
        app.allow(hostile.host)
        hook = app.subscribe(hostile.url)
        app.advance("2")
        app.until(lambda: hostile.calls and heard(app, hook), "told")

        assert hostile.sent < 16 * 2**20


def test_a_redirect_is_not_followed(app):
    with receiver(OK) as inner, receiver(status(307, f"Location: {inner.url}")) as hostile:
        app.allow(hostile.host, inner.host)
        hook = app.subscribe(hostile.url)
        app.advance("2")
        app.until(lambda: app.standing(hook)["state"] == "dead", "given up")

        assert inner.connections == 0
        assert app.standing(hook)["problem"] == "status 307"


@pytest.mark.parametrize("leads", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::ffff:127.0.0.1"], []])
def test_a_name_that_leads_inside_is_refused_when_it_is_called(app, leads):
    with receiver(OK) as inner:
        app.allow(f"app.example.test:{inner.port}", private=False)
        hook = app.subscribe(f"https://app.example.test:{inner.port}/hooks")
        app.advance("2")
        with app.calling(resolve=lambda _name, _port: leads):
            wait_for(lambda: app.standing(hook)["state"] == "dead", "given up")

        assert inner.connections == 0
        assert app.standing(hook)["problem"] == "private address"


def test_a_name_is_looked_up_once_a_call_and_its_certificate_checked_by_name(app, tmp_path, monkeypatch):
    authority = Authority(tmp_path / "ca")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    asked: list[str] = []
    with (
        receiver(OK, tls=served_by(authority, "app.test")) as right,
        receiver(OK, tls=served_by(authority, "other.test")) as wrong,
    ):
        app.allow(f"app.test:{right.port}", f"app.test:{wrong.port}")
        hooks = [app.subscribe(f"https://app.test:{one.port}/hooks") for one in (right, wrong)]
        app.advance("2")
        with app.calling(resolve=lambda name, _port: asked.append(name) or ["127.0.0.1"], rests=(600.0,)):
            wait_for(lambda: heard(app, hooks[0]) and app.standing(hooks[1])["failures"], "both were called")

        assert [call.headers["host"] for call in right.calls] == [f"app.test:{right.port}"]
        assert wrong.calls == []
        assert asked == ["app.test"] * 2


def test_the_same_news_has_the_same_id_at_every_try_until_it_is_heard(app):
    with receiver(status(500), status(503), OK) as backend:
        app.allow(backend.host)
        hook = app.subscribe(backend.url)
        app.advance("2")
        app.until(lambda: heard(app, hook), "told")
        app.advance("3")
        app.until(lambda: len(backend.calls) == 4, "told again")

        first, *again, next_one = [call.id for call in backend.calls]
        assert again == [first, first]
        assert next_one != first


def test_who_was_away_hears_the_newest_state_once(app):
    with receiver(OK) as backend:
        app.allow(backend.host)
        hook = app.subscribe(backend.url)
        app.advance("2")
        app.advance("2")
        app.advance("3")
        app.until(lambda: heard(app, hook), "told")

        (call,) = backend.calls
        assert (json.loads(call.body)["data"]["version"], json.loads(call.body)["data"]["stage"]) == (4, "3")


def test_a_receiver_that_never_takes_it_is_dead_after_so_many_tries_and_costs_nothing_more(app):
    with receiver(status(500)) as backend, receiver(OK) as other, capture_logs() as logs:
        app.allow(backend.host, other.host)
        hook = app.subscribe(backend.url)
        app.advance("2")
        app.until(lambda: app.standing(hook)["state"] == "dead", "given up")
        told(app, other)

        assert len(backend.calls) == len(QUICK) + 1
        assert PROJECT_NO not in str(logs)
        assert backend.url not in str(logs)


def test_a_receiver_that_wants_no_more_is_told_no_more(app):
    with receiver(status(410)) as gone, receiver(OK) as other:
        app.allow(gone.host, other.host)
        hook = app.subscribe(gone.url)
        app.advance("2")
        app.until(lambda: app.standing(hook)["state"] == "ended", "ended")
        told(app, other)

        assert len(gone.calls) == 1


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_receiver_may_ask_for_a_rest_in_seconds_or_until_a_date(app, form):
    until = datetime.now(UTC) + timedelta(minutes=10)
    asked = "600" if form == "seconds" else format_datetime(until, usegmt=True)
    with receiver(status(429, f"Retry-After: {asked}")) as backend, receiver(OK) as other:
        app.allow(backend.host, other.host)
        app.subscribe(backend.url)
        app.advance("2")
        app.until(lambda: backend.calls and failing(app) == 1, "asked for a rest")
        told(app, other)

        assert len(backend.calls) == 1


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("25", 25),
        ("0", 0),
        ("Mon, 30 Nov 2026 09:00:25 GMT", 25),
        ("Monday, 30-Nov-26 09:00:25 GMT", 25),
        ("Mon Nov 30 09:00:25 2026", 25),
        ("Mon, 30 Nov 2026 08:00:00 GMT", 0),
        *((nothing, None) for nothing in ("", "soon", "-5", "9999999", "1.5", "٢٥", "Mon, 99 Nov 2026 09:00:25 GMT")),
    ],
)
def test_every_form_of_a_wished_rest_is_understood(asked, seconds):
    """RFC 9110: seconds, or a date in any of three forms (section 5.6.7)."""
    assert seconds_to_wait(asked, datetime(2026, 11, 30, 9, tzinfo=UTC)) == seconds


def test_a_case_that_is_shown_no_more_is_the_last_news(app):
    with receiver(OK) as backend:
        app.allow(backend.host)
        hook = app.subscribe(backend.url)
        app.advance(None)
        app.until(lambda: app.standing(hook)["state"] == "ended", "ended")

        (call,) = backend.calls
        assert json.loads(call.body)["type"] == "application.ended"
        assert json.loads(call.body)["data"]["stage"] is None


def test_who_is_killed_in_the_middle_of_a_call_tells_it_again(app, monkeypatch):
    with receiver(b"", OK) as backend:
        app.allow(backend.host)
        hook = app.subscribe(backend.url)
        app.advance("2")
        with app.calling():
            wait_for(lambda: backend.calls, "called")
        # Nothing was written down.
        app.until(lambda: heard(app, hook), "told")

        assert backend.calls[0].id == backend.calls[1].id


@pytest.mark.parametrize("how", ["unsubscribed", "expired", "host not allowed any more"])
def test_nobody_is_told_what_he_does_not_want_or_may_not_have(app, how):
    with receiver(OK) as backend, receiver(OK) as other:
        app.allow(backend.host, other.host)
        hook = app.subscribe(backend.url)
        if how == "unsubscribed":
            headers = {"Webhook-Secret": hook["secret"]}
            assert app.county.http.delete(f"/mobile/v1/hooks/{hook['id']}", headers=headers).status_code == 204
        elif how == "expired":
            app.county.execute("mobile", "UPDATE hook SET expires_at = '2020'")
            app.county.execute("subscriptions", "UPDATE case_hook SET expires_at = '2020'")
        else:
            app.allow(other.host)
        app.advance("2")
        told(app, other)

        assert backend.connections == 0


def test_a_wrong_number_a_wrong_code_and_a_wrong_secret_learn_nothing(app):
    app.allow("app.example.test")
    url = "https://app.example.test/hooks"
    wrong = [app.asked(url, query_code=WRONG_CODE), app.asked(url, project_no="37-2020-9")]
    hook = app.subscribe(url)
    paths = [hook["id"], "hook_" + "0" * 24]
    asked = [app.county.http.get(f"/mobile/v1/hooks/{one}", headers={"Webhook-Secret": "whsec_"}) for one in paths]

    assert {answer.status_code for answer in (*wrong, *asked)} == {404}
    assert wrong[0].content == wrong[1].content
    assert asked[0].content == asked[1].content
    assert app.county.http.get(f"/mobile/v1/hooks/{hook['id']}").status_code == 422


@pytest.mark.parametrize(
    "url",
    [
        "http://app.example.test/hooks",
        "https://other.example.test/hooks",
        "https://app.example.test:8443/hooks",
        "https://app.example.test.evil.test/",
        "https://evil.test/@app.example.test",
        "https://user:word@app.example.test/",
        "https://app.example.test@evil.test/",
        "https://app.example.test/?for=13800138000",
        "https://app.example.test/11010519491231002X",
        "https://app.example.test/\r\nX: y",
        "https://app.example.test:99999/",
        "https://[::1]/",
        "ftp://app.example.test/",
        "//app.example.test/",
        "",
    ],
)
def test_an_address_that_may_not_be_called_is_refused_by_field(app, url):
    app.allow("app.example.test", private=False)
    answer = app.asked(url)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "url"


def test_without_the_setting_nobody_is_called(app):
    assert app.asked("https://app.example.test/").status_code == 422


def test_a_case_has_few_subscriptions_and_the_same_address_has_one(app):
    app.allow("app.example.test")
    hooks = [app.subscribe(f"https://app.example.test/{number}") for number in range(5)]

    assert app.asked("https://app.example.test/5").status_code == 409
    again = app.subscribe("https://app.example.test/0")
    assert again["id"] != hooks[0]["id"]
    assert app.county.execute("mobile", "SELECT count(*) FROM hook")[0][0] == 5


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # an address to refuse
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("2002:a00:1::1", False),
        ("64:ff9b::a00:1", False),
        ("ff02::1", False),
    ],
)
def test_only_public_addresses_are_called(address, public):
    assert is_public(address) is public


def told(app: App, other: Receiver) -> None:
    """The subscriber of another case hears of a change: whoever else was to be called has been called by then."""
    app.county.release_case(progress(stage="1"), 1, project_no=OTHER_NO)
    app.county.flow()
    hook = app.subscribe(other.url, project_no=OTHER_NO)
    app.county.release_case(progress(stage="2"), 2, project_no=OTHER_NO)
    app.county.flow()
    app.until(lambda: heard(app, hook), "the other one is told")


def failing(app: App) -> int:
    """How many subscriptions wait for another try."""
    return int(app.county.execute("subscriptions", "SELECT count(*) FROM case_hook WHERE failures > 0")[0][0])


def served_by(authority: Authority, host: str) -> ssl.SSLContext:
    """What a server of this name shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(host, host=host))
    return context
