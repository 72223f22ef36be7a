"""`python -m shared.probe`: is the process of this environment ready? Exit 0: yes. For health checks from within.

With TLS it shows the process's own certificate, which an orchestrator's own HTTP check could not.
"""

import http.client
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from shared.errors import SettingsError
from shared.tls import MUTUAL, PLAIN, Tls, reason

SECONDS = 4


def ready(env: Mapping[str, str]) -> str:
    """Empty when it is ready, else the reason."""
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
    """http.client, since urllib would ask a proxy that somebody may have put into the environment."""
    folder, listen = env.get("TONGYUAN_TLS_FOLDER"), env.get("TONGYUAN_TLS_LISTEN", MUTUAL)
    if not folder or listen == PLAIN:
        return http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    context = Tls(Path(folder)).client()
    # It asks itself, whatever its name in the network is; the authority is checked all the same.
    context.check_hostname = False
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=SECONDS, context=context)


def main() -> int:
    """Exit code."""
    try:
        problem = ready(os.environ)
    except SettingsError as error:
        problem = str(error)
    if problem:
        sys.stderr.write(f"not ready: {problem}\n")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
