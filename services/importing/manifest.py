"""Process and rights of the importing service: it writes to catalog and guides, for the person who asked the desk."""

from contracts.topology import IMPORTING
from services.importing.engine.sources import CATALOG, GUIDES
from shared.manifest.model import Dependency, Manifest, Process, Role, Volume
from shared.tokens.rights import Right

FILES = Volume("importing-files", "IMPORTING_FOLDER", "/var/lib/tongyuan", {"data_dir": ""}, writable=True)

MANIFEST = Manifest(
    IMPORTING,
    Role.DESK,
    processes=(
        Process(
            IMPORTING,
            8097,
            calls=tuple(Dependency(source, frozenset({Right.WRITE})) for source in (CATALOG, GUIDES)),
            broker=False,
            folders=(FILES,),
            settings=("import_keep_days", "import_disk_budget"),
            for_people=True,
        ),
    ),
)
