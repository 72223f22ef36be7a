"""A second signature under each checkpoint: SM2 with SM3 (GB/T 32918.2, GB/T 32905), made by the program `openssl`.

It serves verifiers that must use state-approved algorithms (国密). Other readers ignore its line. This is not a
certified module: a certified signing server (签名验签服务器) can replace it as another `SecondSigner`.
"""

import subprocess
from pathlib import Path
from typing import Protocol

from shared.errors import Broken, Unavailable
from shared.security.secret_files import kept_secret
from shared.transparency.checkpoint import NoteKey

KIND = b"\xfftongyuan/sm2-with-sm3"
"""C2SP signed-note assigns SM2 no byte: 0xff, then an identifier that nobody else is likely to use."""
USER_ID = "1234567812345678"
"""The 可辨别标识 that GM/T 0009 prescribes where the parties have agreed on no other."""
POINT_BYTES = 65
PATIENCE_SECONDS = 10
# Always given: without it, OpenSSL before 4.0 signs for an empty identifier.
SM2 = ("-rawin", "-digest", "sm3", "-pkeyopt", f"distid:{USER_ID}")


class SecondSigner(Protocol):
    """Signs checkpoints in addition to the Ed25519 keys: `Sm2File` here, a device or a server elsewhere."""

    @property
    def key(self) -> NoteKey:
        """The public half under the log's name. `kind` separates algorithms, so that no two keys share an id."""

    def sign(self, text: bytes) -> bytes:
        """Return the signature over a note's text. Raises `Unavailable`; then no head is published."""


class Sm2File:
    """An SM2 key in a PEM file, created if there is none.

    Raises `Broken` when others may read the file, when it is no SM2 key, or when `openssl` is not installed.
    """

    def __init__(self, path: Path, name: str, program: str = "openssl") -> None:
        self._path, self._program = path, program
        kept_secret(path, lambda: self._run("genpkey", "-algorithm", "SM2"))
        described = self._run("pkey", "-in", str(path), "-noout", "-text", wrong=f"{path} is not a PEM private key")
        if b"SM2" not in described:
            raise Broken(f"{path} is not an SM2 key")
        # SubjectPublicKeyInfo ends with the point: 04 ‖ x ‖ y.
        self.key = NoteKey(name, self._run("pkey", "-in", str(path), "-pubout", "-outform", "DER")[-POINT_BYTES:], KIND)

    def sign(self, text: bytes) -> bytes:
        """Return DER of SEQUENCE { r, s } (GM/T 0009). Raises `Unavailable`."""
        return self._run("pkeyutl", "-sign", "-inkey", str(self._path), *SM2, text=text)

    def _run(self, *arguments: str, text: bytes = b"", wrong: str = "") -> bytes:
        try:
            done = subprocess.run(
                [self._program, *arguments], input=text, capture_output=True, timeout=PATIENCE_SECONDS, check=False
            )
        except FileNotFoundError as error:
            raise Broken(
                f"SM2 signatures need the program {self._program}: install the Debian package openssl"
            ) from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"{self._program} {arguments[0]}: {type(error).__name__}") from error
        if done.returncode:
            reason = done.stderr.decode(errors="replace").strip().rpartition("\n")[2][:200]
            raise Broken(wrong) if wrong else Unavailable(f"{self._program} {arguments[0]}: {reason}")
        return done.stdout
