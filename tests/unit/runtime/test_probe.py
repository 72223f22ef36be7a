"""`python -m shared.probe`: what an orchestrator asks a process, and the exit code that it gets."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from shared import probe


class Alive(BaseHTTPRequestHandler):
    """A process that answers, and whose database is away."""

    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()
        self.wfile.write(b"the database is away")

    def log_message(self, *arguments):
        """Nothing is printed."""


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Alive)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("TONGYUAN_PORT", str(server.server_port))
    monkeypatch.delenv("TONGYUAN_METRICS_PORT", raising=False)
    yield
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_process_without_its_database_is_alive_and_not_ready(alive, capsys):
    assert probe.main(["/healthz"]) == 0
    assert probe.main() == probe.main(["/readyz"]) == 1
    assert capsys.readouterr().err.count("the database is away") == 2


@pytest.mark.parametrize("arguments", [["/metrics"], ["/healthz", "/readyz"]])
def test_another_path_is_not_asked(arguments, capsys):
    assert probe.main(arguments) == 2
    assert "usage" in capsys.readouterr().err
