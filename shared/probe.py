"""`python -m shared.probe`: exit 0 if the process configured by this environment is ready. For health checks.

With TLS it presents the process's own certificate, which an orchestrator's own HTTP check could not.
"""

import http.client
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from shared.errors import SettingsError
from shared.security.tls import MUTUAL, PLAIN, Tls, reason

SECONDS = 4
MOST_BYTES = 2_000
"""Most bytes of the answer that are shown: a problem document has a few hundred."""

LEAST_NO_PORT = 65_536


def ready(env: Mapping[str, str]) -> str:
    """Return an empty string if it is ready, otherwise the reason, with the setting that names the port.

    Raises `SettingsError` when that setting is missing or no port.
    """
    name, port = _port(env)
    service = _connection(port, env)
    try:
        service.request("GET", "/readyz")
        answer = service.getresponse()
        status, said = answer.status, answer.read(MOST_BYTES).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return f"127.0.0.1:{port} ({name}): {reason(error)}"
    finally:
        service.close()
    return "" if status == http.client.OK else f"status {status} on 127.0.0.1:{port} ({name}): {said.strip()}"


def _port(env: Mapping[str, str]) -> tuple[str, int]:
    """Return the setting that names the port of `/readyz`, and the port: a worker's is that of its metrics."""
    name = "TONGYUAN_METRICS_PORT" if env.get("TONGYUAN_METRICS_PORT") else "TONGYUAN_PORT"
    value = env.get(name, "")
    if not (value.isascii() and value.isdigit() and 0 < int(value) < LEAST_NO_PORT):
        raise SettingsError(f"{name}: must be the port on which the process answers /readyz, got {value!r}")
    return name, int(value)


def _connection(port: int, env: Mapping[str, str]) -> http.client.HTTPConnection:
    """Use http.client, because urllib would use a proxy set in the environment."""
    folder, listen = env.get("TONGYUAN_TLS_FOLDER"), env.get("TONGYUAN_TLS_LISTEN", MUTUAL)
    if not folder or listen == PLAIN:
        return http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    context = Tls(Path(folder)).client()
    # The process asks itself, so its network name is not checked; the authority still is.
    context.check_hostname = False
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=SECONDS, context=context)


def main() -> int:
    """Return the exit code."""
    try:
        problem = ready(os.environ)
    except SettingsError as error:
        problem = str(error)
    if problem:
        sys.stderr.write(f"not ready: {problem}\n")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
