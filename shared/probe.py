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


def ready(env: Mapping[str, str]) -> str:
    """Return an empty string if it is ready, otherwise the reason."""
    service = _connection(int(env.get("TONGYUAN_METRICS_PORT") or env["TONGYUAN_PORT"]), env)
    try:
        service.request("GET", "/readyz")
        status = service.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return reason(error)
    finally:
        service.close()
    return "" if status == http.client.OK else f"status {status}"


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
