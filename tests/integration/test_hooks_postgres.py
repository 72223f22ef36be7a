"""Subscribers are told over PostgreSQL as over SQLite."""

from tests.harness.county import wait_for
from tests.harness.former_hooks import FormerHook, moved, require_nothing_lost, upgraded
from tests.harness.pipeline import pipeline
from tests.harness.receivers import receiver, status
from tests.harness.subscribing import App, heard


def test_a_subscriber_is_told_once_and_by_one_of_two_processes(database_url, tmp_path):
    with pipeline(database_url, tmp_path, channels=["mobile"]) as county, receiver(status(503), status(204)) as backend:
        app = App(county)
        app.allow(backend.host)
        hook = app.subscribe(backend.url)
        app.advance("2")
        with app.calling(), app.calling():
            wait_for(lambda: heard(app, hook), "told")
            app.advance(None)
            wait_for(lambda: app.standing(hook)["state"] == "ended", "ended")

        assert [call.id for call in backend.calls] == [f"{hook['id']}.2", f"{hook['id']}.2", f"{hook['id']}.3x"]


def test_two_processes_move_the_same_hooks_at_once_and_each_state_has_one_id(database_url, tmp_path):
    hooks = [FormerHook(number, told=1 + number % 2) for number in range(1, 21)]
    with pipeline(database_url, tmp_path, channels=["mobile"]) as county, receiver(status(503), status(204)) as backend:
        app = App(county)
        app.advance("2")
        app.allow(backend.host)
        upgraded(county, hooks, backend.host)
        with app.calling(), app.calling():
            wait_for(lambda: not moved(county), "moved")
            app.advance("3")
            told = "SELECT count(*) FROM case_hook WHERE told = '3'"
            wait_for(lambda: county.execute("subscriptions", told)[0][0] == len(hooks), "told")

        require_nothing_lost(hooks, backend.calls, "3")
