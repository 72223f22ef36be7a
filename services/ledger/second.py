"""A second signature under each checkpoint: SM2 with SM3 (GB/T 32918.2, GB/T 32905), made by the program `openssl`.

For who must check with algorithms of the state (国密). Readers that do not know it pass over its line. This is no
certified module: a certified signing server (签名验签服务器) takes its place as another `SecondSigner`.
"""

import subprocess
from pathlib import Path
from typing import Protocol

from shared.checkpoint import NoteKey
from shared.errors import Broken, Unavailable
from shared.secret_file import kept_secret

KIND = b"\xfftongyuan/sm2-with-sm3"
"""C2SP signed-note has no byte for it: 0xff, then an identifier that nobody else is likely to use."""
USER_ID = "1234567812345678"
"""可辨别标识 by which GM/T 0009 has everybody sign who has agreed on no other."""
POINT_BYTES = 65
PATIENCE_SECONDS = 10
# Said each time: without it, versions before 4.0 sign for an empty identifier.
SM2 = ("-rawin", "-digest", "sm3", "-pkeyopt", f"distid:{USER_ID}")


class SecondSigner(Protocol):
    """What signs checkpoints beside the Ed25519 keys: a file and `openssl` here, a device or a server elsewhere."""

    @property
    def key(self) -> NoteKey:
        """The public half under the log's name. `kind` tells algorithms apart, so that no two share a key id."""

    def sign(self, text: bytes) -> bytes:
        """The signature over a note's text. Raises `Unavailable`: then no head is published."""


class Sm2File:
    """An SM2 key in a file (PEM), made when there is none. Raises `Broken` when others may read it or it is none."""

    def __init__(self, path: Path, name: str, program: str = "openssl") -> None:
        self._path, self._program = path, program
        kept_secret(path, lambda: self._run("genpkey", "-algorithm", "SM2"))
        described = self._run("pkey", "-in", str(path), "-noout", "-text", wrong=f"{path} is no private key in PEM")
        if b"SM2" not in described:
            raise Broken(f"{path} is not an SM2 key")
        # SubjectPublicKeyInfo ends in the point: 04 ‖ x ‖ y.
        self.key = NoteKey(name, self._run("pkey", "-in", str(path), "-pubout", "-outform", "DER")[-POINT_BYTES:], KIND)

    def sign(self, text: bytes) -> bytes:
        """DER of SEQUENCE { r, s } (GM/T 0009). Raises `Unavailable`."""
        return self._run("pkeyutl", "-sign", "-inkey", str(self._path), *SM2, text=text)

    def _run(self, *arguments: str, text: bytes = b"", wrong: str = "") -> bytes:
        try:
            done = subprocess.run(
                [self._program, *arguments], input=text, capture_output=True, timeout=PATIENCE_SECONDS, check=False
            )
        except FileNotFoundError as error:
            raise Broken(f"SM2 needs the program {self._program}: install the Debian package openssl") from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"{self._program} {arguments[0]}: {type(error).__name__}") from error
        if done.returncode:
            reason = done.stderr.decode(errors="replace").strip().rpartition("\n")[2][:200]
            raise Broken(wrong) if wrong else Unavailable(f"{self._program} {arguments[0]}: {reason}")
        return done.stdout
