"""deploy/gateway as a local process in front of a county."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.harness.county import CHANNELS, REPOSITORY, County, answers, wait_for
from tests.harness.packages import require
from tests.harness.ports import free_port

FOLDER = REPOSITORY / "deploy" / "gateway"
INSIDE = "include /etc/nginx/inside.conf;"


@contextmanager
def gateway_before(
    county: County,
    folder: Path,
    certificates: Path | None = None,
    named: Sequence[str] = (),
    requests_a_second: int | None = None,
) -> Iterator[str]:
    """Return the gateway's address. `certificates`: its own, with which it speaks TLS to the county.

    `named`: addresses of gateways in front of it, as an operator lists them in `outside.conf`.
    `requests_a_second`: what one address may ask for, in place of the limit that a slow machine never reaches.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    lines = [f"set_real_ip_from {address};\n" for address in named]
    (folder / "outside.conf").write_text("".join(lines), encoding="utf-8")
    command = _nginx(folder, county, port, certificates)
    if requests_a_second is not None:
        _set_limit(folder / "nginx.conf", requests_a_second)
    with _running(command, folder):
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: answers(f"{address}/healthz"), "the gateway answers", explain=(folder / "log").read_text)
        yield address


@contextmanager
def gateway_in_front(inner: str, folder: Path, arrives_from: str) -> Iterator[str]:
    """Run another nginx before the gateway at `inner`; it connects from the local address `arrives_from`.

    It claims that its readers came by TLS, and appends their addresses to what they claim, as most setups do.
    """
    port = free_port()
    server = f"""server {{ listen 127.0.0.1:{port}; location = /healthz {{ return 200; }} location / {{
        proxy_pass {inner}; proxy_bind {arrives_from}; proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto https;
    }} }}"""
    with nginx(folder, server):
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: answers(f"{address}/healthz"), "the outer gateway answers", explain=(folder / "log").read_text)
        yield address


@contextmanager
def desk_gateway(county: County, folder: Path) -> Iterator[str]:
    """Run nginx before the desk, as an operator includes `desk.conf` in a server of his own; yield its address."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    for name in ("desk.conf", "desk-proxy.conf"):
        (folder / name).write_text((FOLDER / name).read_text(encoding="utf-8"), encoding="utf-8")
    desk = county.url("console").removeprefix("http://")
    servers = f"""upstream desk {{ server {desk}; }}
        server {{ listen 127.0.0.1:{port}; location = /healthz {{ return 200; }} include desk.conf; }}"""
    with nginx(folder, servers):
        address = f"http://127.0.0.1:{port}"
        wait_for(
            lambda: answers(f"{address}/healthz"), "the desk's gateway answers", explain=(folder / "log").read_text
        )
        yield address


@contextmanager
def nginx(folder: Path, servers: str) -> Iterator[None]:
    """Run an nginx with these servers; everything that it writes is in the folder, what it says in `log`."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = " ".join(
        f"{what}_temp_path {folder}/{what};" for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"pid {folder}/nginx.pid; error_log stderr; worker_processes 1; events {{}}\n"
        f"http {{ access_log off; {temporary}\n{servers}\n}}",
        encoding="utf-8",
    )
    with _running(_command(folder), folder):
        yield


@contextmanager
def running_nginx(file: Path) -> Iterator[None]:
    """Run an nginx with this configuration; what it says is in `log` beside it."""
    with _running(_command(file.parent), file.parent):
        yield


def _command(folder: Path) -> list[str]:
    return [str(require("nginx", "nginx-light")), "-e", "stderr", "-c", str(folder / "nginx.conf")]


def _set_limit(file: Path, requests_a_second: int) -> None:
    text, changed = re.subn(r"rate=\d+r/s;", f"rate={requests_a_second}r/s;", file.read_text(encoding="utf-8"))
    assert changed == 1
    file.write_text(text, encoding="utf-8")


@contextmanager
def _running(command: list[str], folder: Path) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([*command, "-g", "daemon off;"], stdout=log, stderr=log)
    try:
        yield
    finally:
        server.terminate()
        server.wait(60)


def _nginx(folder: Path, county: County, port: int, certificates: Path | None) -> list[str]:
    """Return the command. Its configuration differs in addresses, port and files only."""
    text, inside = (FOLDER / "nginx.conf").read_text(encoding="utf-8"), "tls.conf" if certificates else "plain.conf"
    assert INSIDE in text
    text = text.replace(INSIDE, (FOLDER / inside).read_text(encoding="utf-8"))
    text, services = re.subn(r"https?://(\w+):8080;", lambda found: f"{county.url(found[1])};", text)
    assert services > len(CHANNELS)
    text = text.replace("listen 8080;", f"listen 127.0.0.1:{port};").replace("/tmp/", f"{folder}/")
    text = text.replace("/etc/nginx/", f"{folder}/")
    if certificates:
        # nginx verifies names in a certificate, but no addresses.
        named = "proxy_ssl_name localhost;\nproxy_ssl_certificate "
        text = text.replace("proxy_ssl_certificate ", named).replace("/tls/gateway/", f"{certificates}/")
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    return _command(folder)
