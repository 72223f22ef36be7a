"""Process and rights of the importing service: it writes to catalog and guides, for the person who asked the desk."""

from contracts.topology import IMPORTING
from services.importing.engine.sources import CATALOG, GUIDES
from shared.manifest.model import Dependency, Manifest, Process, Role, Volume
from shared.tokens.rights import Right
from shared.web.body_sizes import IMPORT, BodySize

FILES = Volume("importing-files", "IMPORTING_FOLDER", "/var/lib/tongyuan", {"data_dir": ""}, writable=True)

MANIFEST = Manifest(
    IMPORTING,
    Role.DESK,
    bodies=(BodySize("/v1/imports", IMPORT, "a list to import"),),
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
