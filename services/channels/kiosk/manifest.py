"""The kiosk's manifest. The hall's queue system may set the called numbers at the kiosk, and nothing else."""

from services.channels.common_manifest import channel_manifest
from shared.manifest.model import Dependency, Outsider
from shared.tokens.rights import Right

QUEUE_SYSTEM = Outsider("queue", (Dependency("kiosk", frozenset({Right.BOARD})),))

MANIFEST = channel_manifest("kiosk", 8093, ("大厅自助终端", "hall kiosk"), outsiders=(QUEUE_SYSTEM,))
