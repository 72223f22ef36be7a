"""One process of the production shape, by its name. Imports only what that process needs."""

import gc
import sys

from contracts.topology import AUDITOR, CHANNELS, SOURCES
from shared import log
from shared.config import Settings, SettingsError, load
from shared.errors import TongyuanError

WITH_WORKERS = (*SOURCES, "ledger", *CHANNELS)
HTTP_PROCESSES = (*WITH_WORKERS, AUDITOR)
WORKERS = tuple(f"{name}-worker" for name in WITH_WORKERS)
PROCESSES = (*HTTP_PROCESSES, *WORKERS)
PROBLEM, USAGE = 1, 2


def run(name: str) -> int:
    """Run it until told to stop; the exit code. What is wrong with the settings is said in one line."""
    if name not in PROCESSES:
        return _say(f"no process {name!r}; one of: {', '.join(PROCESSES)}", USAGE)
    try:
        settings = load()
        log.configure(name, settings.log_level)
        if name in WORKERS:
            from services import worker_process  # noqa: PLC0415  # nameko is for workers only

            worker_process.run(name, settings)
        else:
            from services import http_process  # noqa: PLC0415  # uvicorn is for the others only

            http_process.run(name, settings)
    except SettingsError as error:
        return _say(str(error), USAGE)
    except TongyuanError as error:
        return _say(str(error), PROBLEM)
    return 0


def settle_memory() -> None:
    """Say that what is loaded by now stays: the collector looks at it no more, and looks less often at all.

    A batch of publications makes thousands of objects at once, and none of them is a cycle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def amqp_url(settings: Settings) -> str:
    """The broker. Raises `SettingsError` when it is not set."""
    if settings.amqp_url is None:
        raise SettingsError("TONGYUAN_AMQP_URL: must be set for `tongyuan run`; `tongyuan up` needs no broker")
    return settings.amqp_url


def _say(reason: str, code: int) -> int:
    sys.stderr.write(f"✗ {reason}\n")
    return code
