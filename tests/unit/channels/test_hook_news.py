"""What mobile pushes to subscriptions about cases: wherever it dies, nothing is lost and nothing comes twice."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.channels.mobile import news
from services.channels.mobile.case_hooks import CaseHooks
from services.channels.mobile.news import NewsPusher
from services.channels.mobile.subscriptions import ABANDONED_AFTER
from shared.errors import UpstreamDown
from tests.harness.former_hooks import FormerHook, moved, require_nothing_lost, upgraded
from tests.harness.pipeline import pipeline
from tests.harness.receivers import receiver, status
from tests.harness.subscribing import App, heard

OK = status(204)
URL = "https://app.example.test/hooks"
HOST = "app.example.test"
FORMER = (FormerHook(1, told=2), FormerHook(2, told=1), FormerHook(3, told=1, state="dead", failures=10))
REQUESTS = 2 * len(FORMER)
"""To move each hook, and to compare it."""


class Killed(BaseException):
    """In the place of SIGKILL: nothing catches it."""


class Frail:
    """Mobile's way to subscriptions, which breaks at one request: before it arrives, or after it was confirmed."""

    def __init__(
        self, real: CaseHooks, at: int = -1, error: BaseException | None = None, *, after: bool = False
    ) -> None:
        self._real, self._left, self._error, self._after = real, at, error or Killed(), after
        self.broke = False

    def __getattr__(self, name: str) -> Any:
        def asked(*arguments: Any) -> Any:
            breaks, self._left = self._left == 0, self._left - 1
            if breaks and not self._after:
                self._break()
            answer = getattr(self._real, name)(*arguments)
            if breaks:
                self._break()
            return answer

        return asked

    def _break(self) -> None:
        self.broke = True
        raise self._error


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    limits = {"lookup_limit": "1000/second", "lookup_case_limit": "1000/second"}
    with pipeline(tmp_path, channels=["mobile"], **limits) as county:
        made = App(county)
        made.allow(HOST)
        yield made


def pusher(app: App, *broken: Any, **more: Any) -> tuple[NewsPusher, Frail]:
    """A process of mobile that has just started."""
    frail = Frail(app.county.case_hooks.over_http(app.county.settings), *broken, **more)
    return NewsPusher(app.county.dbs["mobile"], frail), frail


def rows(app: App, table: str) -> list[dict[str, Any]]:
    """What subscriptions stores."""
    return [row._asdict() for row in app.county.execute("subscriptions", f"SELECT * FROM {table} ORDER BY id")]


def down(app: App) -> None:
    """Let mobile's HTTP find nobody at subscriptions."""
    app.county.case_hooks.over_http = lambda _settings: Frail(None, 0, UpstreamDown("subscriptions: down"))  # type: ignore[assignment,arg-type,return-value]
    app.county.serve_anew()


@pytest.mark.parametrize("after", [False, True], ids=["before it arrives", "after it was confirmed"])
@pytest.mark.parametrize("request_", range(REQUESTS))
def test_mobile_may_die_at_every_request_of_the_upgrade(app: App, request_: int, after: bool) -> None:
    app.advance("2")
    with receiver(OK) as there:
        app.allow(there.host)
        upgraded(app.county, FORMER, there.host)
        dying, _ = pusher(app, request_, after=after)
        with pytest.raises(Killed):
            dying.round()
        app.advance("3" if request_ % 2 else "2")
        app.until(lambda: not rows_due(app) and not moved(app.county), "all is told")

        require_nothing_lost(FORMER, there.calls, str(app.version))


def rows_due(app: App) -> list[dict[str, Any]]:
    """Which hooks have not heard the newest state."""
    alive = [one for one in rows(app, "case_hook") if one["state"] == "active"]
    return [one for one in alive if one["told"] != str(app.version)]


@pytest.mark.parametrize("after", [False, True], ids=["before it arrives", "after it was confirmed"])
def test_mobile_may_die_at_every_request_of_normal_work(app: App, after: bool) -> None:
    with receiver(OK) as there:
        app.allow(there.host)
        hook = app.subscribe(there.url)
        for request in range(6):
            app.advance("2")
            dying, _ = pusher(app, request % 2, after=after)
            try:
                dying.round()
            except Killed:
                app.advance("3")
        app.until(lambda: heard(app, hook), "told")

        marks = [int(call.id.partition(".")[2]) for call in there.calls]
        assert marks == sorted(set(marks))
        assert marks[-1] == app.version


def test_once_a_case_is_shown_no_more_mobile_knows_nothing_of_it_though_subscriptions_is_down(app: App) -> None:
    hook = app.subscribe(URL)
    reference = app.county.execute("mobile", "SELECT case_ref FROM hook")[0].case_ref
    app.advance(None)
    broken, _ = pusher(app, 0, UpstreamDown("subscriptions: down"))
    assert not broken.round()

    assert app.county.execute("mobile", "SELECT count(*) FROM hook")[0][0] == 0
    (left,) = app.county.execute("mobile", "SELECT * FROM former_hook")
    assert reference not in str(left)
    assert (left.id, left.after, left.mark) == (hook["id"], "1", "2x")
    assert pusher(app)[0].round()
    assert app.county.execute("mobile", "SELECT count(*) FROM former_hook")[0][0] == 0
    assert rows(app, "case_hook")[0]["mark"] == "2x"


def test_nothing_names_the_case_at_subscriptions_and_once_a_hook_ends_nothing_names_the_app(app: App) -> None:
    with receiver(OK) as there:
        app.allow(there.host)
        hook = app.subscribe(there.url)
        reference = app.county.execute("mobile", "SELECT case_ref FROM hook")[0].case_ref
        (before,) = rows(app, "case_hook")
        app.advance(None)
        app.until(lambda: app.standing(hook)["state"] == "ended", "ended")

    (after,) = rows(app, "case_hook")
    assert reference not in str([before, after, rows(app, "case_hook_call")])
    assert hook["secret"] not in str(before)
    assert (after["url"], after["host"], after["secret"], after["body"]) == ("", "", "", None)
    assert set(rows(app, "case_hook_call")[0]) == {"id", "hook", "at", "milliseconds", "status", "problem"}


def test_a_request_that_was_delayed_does_not_bring_back_an_older_state(app: App) -> None:
    hook = app.subscribe(URL)
    subscriptions = app.county.case_hooks.over_http(app.county.settings)
    newer = {"after": "1", "mark": "3", "body": "newer"}

    assert subscriptions.news(hook["id"], newer) == "3"
    assert subscriptions.news(hook["id"], {"after": "1", "mark": "2", "body": "older"}) == "3"
    assert subscriptions.news(hook["id"], newer) == "3"
    assert rows(app, "case_hook")[0]["body"] == "newer"


def test_a_state_that_was_told_and_is_shown_again_is_no_news(app: App) -> None:
    hook = app.subscribe(URL)
    subscriptions = app.county.case_hooks.over_http(app.county.settings)
    subscriptions.news(hook["id"], {"after": "1", "mark": "2", "body": "2"})
    subscriptions.news(hook["id"], {"after": "2", "mark": "1", "body": "1"})

    (row,) = rows(app, "case_hook")
    assert (bool(row["due"]), row["mark"], row["body"]) == (False, "1", None)


def test_a_store_of_subscriptions_that_was_restored_gets_what_it_lacks(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.subscribe(URL)
    app.advance("2")
    running = pusher(app)[0]
    running.round()
    app.county.execute("subscriptions", "UPDATE case_hook SET mark = '1', due = :no, body = NULL", no=False)
    running.round()
    assert rows(app, "case_hook")[0]["mark"] == "1"
    monkeypatch.setattr(news, "EVERY", timedelta(0))
    running.round()
    running.round()

    assert rows(app, "case_hook")[0]["mark"] == "2"


def test_a_hook_that_is_unknown_at_subscriptions_is_forgotten(app: App) -> None:
    app.subscribe(URL)
    app.county.execute("subscriptions", "DELETE FROM case_hook")
    app.advance("2")

    assert pusher(app)[0].round()
    assert app.county.execute("mobile", "SELECT count(*) FROM hook")[0][0] == 0


def test_the_hook_that_another_one_replaces_ends_at_subscriptions_too(app: App) -> None:
    first, second = app.subscribe(URL), app.subscribe(URL)
    pusher(app)[0].round()

    assert [row["id"] for row in rows(app, "case_hook")] == [second["id"]]
    assert app.standing(first)["status"] == 404
    assert app.standing(second)["state"] == "active"


def test_while_subscriptions_is_down_nobody_subscribes_and_nothing_is_left(app: App) -> None:
    over_http = app.county.case_hooks.over_http
    down(app)
    assert app.asked(URL).status_code == 503

    assert app.county.execute("mobile", "SELECT count(*) FROM hook")[0][0] == 0
    app.county.case_hooks.over_http = over_http  # type: ignore[method-assign]
    assert pusher(app)[0].round()
    assert app.county.execute("mobile", "SELECT count(*) FROM former_hook")[0][0] == 0
    assert rows(app, "case_hook") == []


def test_an_address_that_is_refused_leaves_nothing(app: App) -> None:
    assert app.asked("https://elsewhere.test/").status_code == 422
    assert app.county.execute("mobile", "SELECT count(*) FROM hook")[0][0] == 0
    assert app.county.execute("mobile", "SELECT count(*) FROM former_hook")[0][0] == 0


def test_a_hook_whose_request_was_not_finished_ends(app: App) -> None:
    """The process died between the answer of subscriptions and its own note: the app has no secret."""
    app.subscribe(URL)
    long_ago = (datetime.now(UTC) - 2 * ABANDONED_AFTER).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    app.county.execute("mobile", "UPDATE hook SET pushed = NULL, next_at = :at", at=long_ago)

    assert pusher(app)[0].round()
    assert rows(app, "case_hook") == []
    assert app.county.execute("mobile", "SELECT count(*) FROM hook")[0][0] == 0


def test_the_owner_of_a_hook_of_the_release_before_finds_it_before_it_was_moved(app: App) -> None:
    upgraded(app.county, FORMER, HOST)
    standing = {one.number: app.standing({"id": one.id, "secret": one.secret}) for one in FORMER}
    answer = app.county.http.delete(f"/mobile/v1/hooks/{FORMER[0].id}", headers={"Webhook-Secret": FORMER[0].secret})

    assert {number: one["state"] for number, one in standing.items()} == {1: "active", 2: "active", 3: "dead"}
    assert (standing[3]["failures"], standing[3]["problem"]) == (10, "status 500")
    assert answer.status_code == 204
    assert app.standing({"id": FORMER[0].id, "secret": FORMER[0].secret})["status"] == 404


def test_a_hook_whose_host_was_taken_out_before_the_upgrade_moves_and_is_not_called(app: App) -> None:
    with receiver(OK) as there:
        app.allow(HOST)
        upgraded(app.county, [FormerHook(1, told=1), FormerHook(2, told=1)], there.host)
        app.advance("2")
        app.until(lambda: [one["state"] for one in rows(app, "case_hook")] == ["dead", "dead"], "given up")

        assert there.connections == 0


def test_a_secret_that_another_key_has_sealed_ends_the_hook_and_says_so(app: App) -> None:
    hook = app.subscribe(URL)
    app.county.execute("subscriptions", "UPDATE case_hook SET secret = '1.00000000.AAAA'")
    app.advance("2")
    app.until(lambda: app.standing(hook)["state"] == "dead", "given up")

    assert app.standing(hook)["problem"] == "the county's key has changed"


def test_operators_read_when_a_hook_was_called_and_how_it_went(app: App) -> None:
    with receiver(status(500), OK) as there:
        app.allow(there.host)
        hook = app.subscribe(there.url)
        app.advance("2")
        app.until(lambda: heard(app, hook), "told")

    app.county.serve_anew()
    path = f"subscriptions/v1/case-hooks/{hook['id']}/calls"
    assert app.county.get(path).status_code == 401
    calls = app.county.get(path, "service-token-of-a-test").json()["calls"]
    assert [(one["status"], one["problem"]) for one in calls] == [(500, "status 500"), (204, None)]
    assert app.county.get(path.removesuffix("/calls"), "service-token-of-a-test").status_code in (401, 403, 422)
