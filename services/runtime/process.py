"""Run one process of a production deployment by its name. Imports only what that process needs."""

import sys

from services.runtime import manifests
from services.runtime.settings import load
from shared import log
from shared.failures import USAGE, exit_code, sentence
from shared.process_memory import bound_arenas
from shared.security.data_folder import tighten

HTTP_PROCESSES = tuple(one.name for one in manifests.processes() if not one.is_worker)
WORKERS = tuple(one.name for one in manifests.processes() if one.is_worker)
PROCESSES = (*HTTP_PROCESSES, *WORKERS)


def run(name: str) -> int:
    """Run the process until it is told to stop; return the exit code.

    What an operator can put right, such as a wrong setting, is one line on stderr.
    """
    if name not in PROCESSES:
        return _say(f"there is no process {name!r}; choose one of: {', '.join(PROCESSES)}", USAGE)
    bound_arenas()
    try:
        stated = load()
        log.configure(name, stated.log_level)
        for line in tighten(stated.data_dir).lines(stated.data_dir):
            log.get("process").warning(line)
        settings = manifests.held(name, stated)
        if stated.service_token:
            log.get("process").warning("TONGYUAN_SERVICE_TOKEN is no longer used: remove it")
        if name in WORKERS:
            from services.runtime import worker_process  # noqa: PLC0415  # nameko is for workers only

            worker_process.run(name, settings)
        else:
            from services.runtime import http_process  # noqa: PLC0415  # uvicorn is for the others only

            http_process.run(name, settings)
    except Exception as error:
        if (said := sentence(error)) is None:
            raise
        return _say(said, exit_code(error))
    return 0


def _say(reason: str, code: int) -> int:
    sys.stderr.write(f"✗ {reason}\n")
    return code
