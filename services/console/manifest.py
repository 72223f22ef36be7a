"""Process and rights of the desk. Its tokens name the person for whom it acts."""

from contracts.topology import AUDITOR, CONSOLE, FILES_SOURCE, IMPORTING, SUBSCRIPTIONS
from shared.manifest.model import Dependency, Key, KeyUse, Manifest, Process, Role, Volume
from shared.manifest.sources import FILE_BODY
from shared.tokens.rights import Right
from shared.web.body_sizes import LARGEST, MIB, BodySize

CALLS = (
    Dependency(Role.SOURCE, frozenset({Right.WRITE, Right.FEED, Right.INSPECT})),
    # Who reviews or writes a guide opens its files.
    Dependency(FILES_SOURCE, frozenset({Right.FILES})),
    Dependency(
        Role.LEDGER,
        frozenset({Right.BODIES, Right.RECORDING, Right.INSPECT, Right.OPERATE, Right.AUDIT_HEAD}),
    ),
    Dependency(Role.CHANNEL, frozenset({Right.INSPECT, Right.REPAIR, Right.OPERATE, Right.PREVIEW})),
    Dependency(AUDITOR, frozenset({Right.INSPECT})),
    Dependency(IMPORTING, frozenset({Right.WRITE})),
    Dependency(SUBSCRIPTIONS, frozenset({Right.INSPECT, Right.OPERATE})),
)

# Writable: the process makes the first key, and a new one when an operator asks for it.
KEY_FOLDER = Volume(
    "console-key",
    "CONSOLE_KEY_FOLDER",
    "/var/lib/tongyuan-console",
    {"staff_key_file": "keys", "oidc_client_secret_file": "oidc-client-secret"},
    writable=True,
)
STAFF_KEYS = Key("staff_key_file", KeyUse.SECOND_FACTORS, KEY_FOLDER)

BODIES = (
    # The form of a guide carries the files that were chosen, whichever of its buttons is pressed.
    BodySize("/content/[0-9A-Z]+|/release/previews", FILE_BODY, "a form with files"),
    BodySize("/imports|/v1/imports", LARGEST, "a list to import"),
    # A table has 10 MB, and a third more in Base64, in which a previewed table comes back to be saved.
    BodySize("/tables|/v1/tables/items", 16 * MIB, "a table"),
)

MANIFEST = Manifest(
    CONSOLE,
    Role.DESK,
    bodies=BODIES,
    processes=(
        Process(
            CONSOLE,
            8096,
            CALLS,
            broker=False,
            keys=(STAFF_KEYS,),
            settings=("oidc_client_secret_file",),
            stated=("oidc_issuer", "oidc_client_id", "oidc_claim", "oidc_trusted_acr", "oidc_trusted_amr"),
            for_people=True,
            outside="identity",
            about="for staff: never at the public gateway",
        ),
    ),
)
