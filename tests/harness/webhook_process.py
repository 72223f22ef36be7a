"""A process of its own that follows the ledger and calls webhooks, to be killed at any moment.

python -m tests.harness.webhook_process FOLDER COUNTY    (folders of the service's store, and of the county's)
"""

import sys
import threading
from pathlib import Path

from services.runtime.assembly.subscriptions import assembled
from services.runtime.local_readers import LocalPublicLedger
from services.runtime.wiring import Wiring
from services.subscriptions.webhooks.calling import Calling
from shared.config import Settings
from shared.database.engine import Database
from shared.webhooks.addresses import AddressRules

RESTS = (0.05,) * 1000
"""So many tries that a killed receiver's failures never end them."""


def main(folder: Path, county: Path) -> None:
    """Run until killed."""
    wiring = Wiring(Settings(data_dir=folder))
    ledger = LocalPublicLedger(Database("ledger", f"sqlite:///{county}/ledger.db"))
    parts = assembled(wiring, ledger, Calling(AddressRules.of("127.0.0.0/8"), RESTS, patience=5.0))
    stop = threading.Event()
    for work in parts.background().values():
        threading.Thread(target=work, args=(stop,), daemon=True).start()
    stop.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
