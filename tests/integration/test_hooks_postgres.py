"""Subscribers are told over PostgreSQL as over SQLite."""

from tests.harness.county import wait_for
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
