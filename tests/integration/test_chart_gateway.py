"""The gateway of the chart: nginx takes the files that the chart renders, and leads to the services by their names."""

import json
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from tests.harness.chart import Manifests, county, render
from tests.harness.county import answers, wait_for
from tests.harness.gateway import running_nginx
from tests.harness.packages import require
from tests.harness.ports import free_port

PUBLIC = {
    "web": "/web/",
    "mobile": "/mobile/",
    "kiosk": "/kiosk/",
    "portal": "/portal/",
    "ledger": "/ledger/v1/head",
    "subscriptions": "/subscriptions/v1/feed",
}
"""Service → a public address of it."""


class Echo(BaseHTTPRequestHandler):
    """Answers with what has arrived."""

    def do_GET(self):
        body = json.dumps({"path": self.path, "port": self.server.server_port, "headers": dict(self.headers)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Nothing is printed."""


@pytest.fixture(scope="module")
def configuration() -> dict[str, dict[str, str]]:
    """The files of the gateway's ConfigMap by run."""
    asked = {"plain": county(gateway__trusted=["127.0.0.0/8"]), "tls": county(tls__enabled=True)}
    made = {name: Manifests(run) for name, run in render(asked, versions=())["runs"].items()}
    return {name: one.of("ConfigMap")["gateway"]["data"] for name, one in made.items()}


@pytest.fixture
def services() -> Iterator[dict[str, int]]:
    """A server in the place of each public service; their ports."""
    servers = {name: ThreadingHTTPServer(("127.0.0.1", 0), Echo) for name in PUBLIC}
    threads = [threading.Thread(target=one.serve_forever, args=(0.01,)) for one in servers.values()]
    for thread in threads:
        thread.start()
    yield {name: one.server_port for name, one in servers.items()}
    for one in servers.values():
        one.shutdown()
        one.server_close()
    for thread in threads:
        thread.join()


def placed(files: dict[str, str], folder: Path, ports: dict[str, int], port: int) -> Path:
    """Write the files for this machine, where no name of a Service is known. Return the main one."""
    for name, text in files.items():
        here = text.replace("/tmp/", f"{folder}/").replace("/etc/nginx/", f"{folder}/")
        here = here.replace("/tls/gateway/", f"{folder}/certificates/")
        for service, other in ports.items():
            here = here.replace(f"server {service}:8080;", f"server 127.0.0.1:{other};")
        (folder / name).write_text(here.replace("listen 8080;", f"listen 127.0.0.1:{port};"), encoding="utf-8")
    return folder / "nginx.conf"


def test_each_public_address_leads_to_its_service_with_the_readers_address(configuration, services, tmp_path):
    port = free_port()
    file = placed(configuration["plain"], tmp_path, services, port)
    gateway = f"http://127.0.0.1:{port}"
    with running_nginx(file):
        wait_for(lambda: answers(f"{gateway}/healthz"), "the gateway answers", explain=(tmp_path / "log").read_text)
        for name, path in PUBLIC.items():
            asked = urllib.request.Request(f"{gateway}{path}", headers={"X-Forwarded-For": "192.0.2.7"})
            got: dict[str, Any] = json.load(urllib.request.urlopen(asked))
            assert (got["port"], got["path"]) == (services[name], path)
            assert got["headers"]["X-Forwarded-For"] == "192.0.2.7"
        for closed in ("/catalog/", "/console/", "/web/metrics"):
            with pytest.raises(HTTPError, match="404"):
                urllib.request.urlopen(f"{gateway}{closed}")


def test_nginx_takes_the_files_with_tls(configuration, services, tmp_path):
    certificates = tmp_path / "certificates"
    certificates.mkdir()
    made = ["-x509", "-nodes", "-days", "1", "-subj", "/CN=gateway", "-newkey", "rsa:2048"]
    files = ["-keyout", str(certificates / "key.pem"), "-out", str(certificates / "certificate.pem")]
    subprocess.run(["openssl", "req", *made, *files], check=True, capture_output=True)
    (certificates / "ca.pem").write_bytes((certificates / "certificate.pem").read_bytes())
    file = placed(configuration["tls"], tmp_path, services, free_port())
    command = [str(require("nginx", "nginx-light")), "-t", "-e", "stderr", "-c", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "https://web;" in configuration["tls"]["inside.conf"]
