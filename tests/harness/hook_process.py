"""A process of its own that moves hooks, pushes the news of cases and calls apps, to be killed at any moment.

python -m tests.harness.hook_process COUNTY HOST    (folder of the county's stores; the host that may be called)
"""

import sys
import threading
from pathlib import Path

from services.channels.mobile import news
from services.channels.mobile.news import NewsPusher
from services.runtime.local_hooks import LocalCaseHooks
from services.subscriptions.case_hooks.addresses import HostRules
from services.subscriptions.case_hooks.sealing import HookSeals
from services.subscriptions.case_hooks.store import CaseHookStore
from services.subscriptions.keys import MasterKey
from shared.config import Settings
from shared.database.engine import Database
from shared.webhooks.addresses import resolved
from tests.harness.case_hooks import HookService

RESTS = (0.05,) * 1000
"""So many tries that a killed receiver's failures never end them."""


def main(county: Path, host: str) -> None:
    """Run until killed."""
    settings = Settings(data_dir=county, hook_hosts=host, hook_private=True)
    mobile, here = (Database(name, f"sqlite:///{county}/{name}.db") for name in ("mobile", "subscriptions"))
    store = CaseHookStore(here, HookSeals(MasterKey(settings.webhook_key)), HostRules.of(settings))
    sender = HookService(here, settings.webhook_key).sender(settings, resolved, RESTS, 5.0)
    news.POLL_SECONDS = news.REST_SECONDS = 0.02
    stop = threading.Event()
    for work in (NewsPusher(mobile, LocalCaseHooks(store)).run, sender.run):
        threading.Thread(target=work, args=(stop,), daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    stop.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
