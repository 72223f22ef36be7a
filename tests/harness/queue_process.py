"""A process of its own that follows the ledger and fills queues of integrators, to be killed at any moment.

python -m tests.harness.queue_process FOLDER COUNTY AMQP_URL    (folders of the service's store, and of the county's)
"""

import sys
import threading
from pathlib import Path

from services.runtime.assembly.subscriptions import assembled
from services.runtime.local_readers import LocalPublicLedger
from services.runtime.wiring import Wiring
from services.subscriptions.amqp.broker import broker_of
from shared.config import Settings
from shared.database.engine import Database


def main(folder: Path, county: Path, amqp_url: str) -> None:
    """Run until killed."""
    settings = Settings(data_dir=folder, amqp_url=amqp_url)
    ledger = LocalPublicLedger(Database("ledger", f"sqlite:///{county}/ledger.db"))
    parts = assembled(Wiring(settings), ledger, broker=broker_of(settings))
    stop = threading.Event()
    for work in parts.background().values():
        threading.Thread(target=work, args=(stop,), daemon=True).start()
    stop.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
