"""deploy/gateway as a process of this machine, in front of a county."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.harness.county import CHANNELS, REPOSITORY, County, answers, wait_for
from tests.harness.packages import require
from tests.harness.ports import free_port

FOLDER = REPOSITORY / "deploy" / "gateway"
INSIDE = "include /etc/nginx/inside.conf;"


@contextmanager
def gateway_before(county: County, folder: Path, certificates: Path | None = None) -> Iterator[str]:
    """The gateway's address. `certificates`: its own, with which it speaks TLS to the county."""
    port = free_port()
    command = [*_nginx(folder, county, port, certificates), "-g", "daemon off;"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: answers(f"{address}/healthz"), "the gateway answers", 60, (folder / "log").read_text)
        yield address
    finally:
        server.terminate()
        server.wait(60)


def _nginx(folder: Path, county: County, port: int, certificates: Path | None) -> list[str]:
    """The command with the configuration, which names other places only: addresses, port and files."""
    text, inside = (FOLDER / "nginx.conf").read_text(encoding="utf-8"), "tls.conf" if certificates else "plain.conf"
    assert INSIDE in text
    text = text.replace(INSIDE, (FOLDER / inside).read_text(encoding="utf-8"))
    for name in (*CHANNELS, "ledger"):
        text, changed = re.subn(rf"https?://{name}:8080;", f"{county.url(name)};", text)
        assert changed, name
    text = text.replace("listen 8080;", f"listen 127.0.0.1:{port};").replace("/tmp/", f"{folder}/")
    if certificates:
        # nginx finds names in a certificate, but no addresses.
        named = "proxy_ssl_name localhost;\nproxy_ssl_certificate "
        text = text.replace("proxy_ssl_certificate ", named).replace("/tls/gateway/", f"{certificates}/")
    file = folder / "nginx.conf"
    file.write_text(text, encoding="utf-8")
    return [str(require("nginx", "nginx-light")), "-e", "stderr", "-c", str(file)]
