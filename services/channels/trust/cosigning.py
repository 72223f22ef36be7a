"""A channel's cosignature under the newest head that it has proven: C2SP `tlog-cosignature`.

Comparing the cosigned checkpoints of several channels shows whether all of them were given one history.
"""

import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from services.channels.trust.anchor import anchor_of
from shared.config import Settings
from shared.database.engine import Database
from shared.errors import Broken, Unavailable
from shared.security.secret_files import kept_secret
from shared.signing.ring import first_key
from shared.transparency.checkpoint import COSIGNATURE, NoteKey, cosignature_line
from shared.web.response_cache import shareable


class Cosigner:
    """Holds a channel's witness key."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self.name, self._key = name, key
        self.vkey = NoteKey(name, key.public_key().public_bytes_raw(), COSIGNATURE).vkey

    @classmethod
    def of_file(cls, path: Path, name: str) -> "Cosigner":
        """Read the key from a file, or create it. Raises `Broken` if others may read the file or it is not Ed25519."""
        try:
            key = load_pem_private_key(kept_secret(path, first_key), password=None)
        except ValueError as error:
            raise Broken(f"{path} is not a PEM private key") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise Broken(f"{path} is not an Ed25519 key")
        return cls(name, key)

    def cosigned(self, note: str, moment: int) -> str:
        """Return the checkpoint with this channel's signature; `moment` in seconds since 1970."""
        return note + cosignature_line(self.name, self._key, note, moment)


def router(db: Database, channel: str, settings: Settings) -> APIRouter:
    """Return the checkpoint endpoint; it cosigns if the settings give this channel a key."""
    routes = APIRouter(prefix="/v1", tags=["freshness"])
    path = settings.witness_key_file
    cosigner = Cosigner.of_file(path, f"{settings.log_origin}/{channel}") if path else None

    @routes.get(
        "/checkpoint", summary="Read the newest head that this channel has verified", response_class=PlainTextResponse
    )
    @shareable
    def checkpoint() -> Response:
        """A C2SP checkpoint, cosigned by the channel. `Witness-Key` is the verifier key of the cosignature."""
        with db.read() as session:
            anchor = anchor_of(session)
        if anchor is None or anchor.halted_at:
            raise Unavailable("no head has been verified to continue all earlier ones")
        note, headers = anchor.checkpoint, {"Cache-Control": "no-cache"}
        if cosigner is not None:
            note, headers["Witness-Key"] = cosigner.cosigned(note, int(time.time())), cosigner.vkey
        return PlainTextResponse(note, headers=headers)

    return routes
