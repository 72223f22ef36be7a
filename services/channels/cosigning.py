"""A channel's own signature under the newest head that it has proven: C2SP `tlog-cosignature`.

Whoever compares the cosigned checkpoints of several channels knows that all of them were shown one history.
"""

import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from services.channels.lineage import anchor_of
from shared.checkpoint import COSIGNATURE, NoteKey, cosignature_line
from shared.config import Settings
from shared.database import Database
from shared.errors import Broken, Unavailable
from shared.secret_file import kept_secret


class Cosigner:
    """Holds a channel's key as a witness."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self.name, self._key = name, key
        self.vkey = NoteKey(name, key.public_key().public_bytes_raw(), COSIGNATURE).vkey

    @classmethod
    def of_file(cls, path: Path, name: str) -> "Cosigner":
        """The key in a file, made when there is none. Raises `Broken` when others may read it or it is none."""
        try:
            key = load_pem_private_key(kept_secret(path, _new_key), password=None)
        except ValueError as error:
            raise Broken(f"{path} is no private key in PEM") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise Broken(f"{path} is not an Ed25519 key")
        return cls(name, key)

    def cosigned(self, note: str, moment: int) -> str:
        """The checkpoint with our signature; `moment` in seconds since 1970."""
        return note + cosignature_line(self.name, self._key, note, moment)


def router(db: Database, channel: str, settings: Settings) -> APIRouter:
    """The endpoint, with a cosignature where the settings give this channel a key."""
    routes = APIRouter(prefix="/v1", tags=["freshness"])
    path = settings.witness_key_file
    cosigner = Cosigner.of_file(path, f"{settings.log_origin}/{channel}") if path else None

    @routes.get("/checkpoint", summary="The newest head that this channel has proven", response_class=PlainTextResponse)
    def checkpoint() -> Response:
        """As a C2SP checkpoint, cosigned by the channel; `Witness-Key` is the verifier key of the cosignature."""
        with db.read() as session:
            anchor = anchor_of(session)
        if anchor is None or anchor.halted_at:
            raise Unavailable("no head is proven to continue all before it")
        note, headers = anchor.checkpoint, {"Cache-Control": "no-cache"}
        if cosigner is not None:
            note, headers["Witness-Key"] = cosigner.cosigned(note, int(time.time())), cosigner.vkey
        return PlainTextResponse(note, headers=headers)

    return routes


def _new_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
