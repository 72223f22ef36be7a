"""Encryption to public keys in the age format (X25519, ChaCha20-Poly1305), in chunks of 64 KiB: memory use is constant.

Such a payload can be opened with `age`. The private half, the identity, belongs on no machine of the county.
"""

import io
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeAlias

import pyrage
from pyrage import x25519

from services.operations.archive.contents import BadArchive
from shared.errors import Broken, Invalid, Violation
from shared.security.secret_files import read_secret, replace_secret

Identity: TypeAlias = x25519.Identity
Recipient: TypeAlias = x25519.Recipient


def recipients(values: Sequence[str]) -> list[Recipient]:
    """Parse the public keys of `--encrypt-to`. Raises `Invalid`."""
    found = []
    for value in values:
        try:
            found.append(Recipient.from_str(value.strip()))
        except pyrage.RecipientError:
            raise Invalid(
                Violation(
                    "encrypt-to",
                    "age1",
                    "is not a recipient: must be age1…, as printed by `tongyuan backup-key identity`",
                )
            ) from None
    return found


def identities(path: Path) -> list[Identity]:
    """Read the private keys in a file: one per line, `#` begins a remark. Raises `Broken`, OSError."""
    lines = [line.strip() for line in read_secret(path).decode(errors="replace").splitlines()]
    try:
        found = [Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except pyrage.IdentityError:
        raise Broken(f"{path}: contains a line that is not an age identity (AGE-SECRET-KEY-1…)") from None
    if not found:
        raise Broken(f"{path}: contains no age identity (AGE-SECRET-KEY-1…)")
    return found


def make_identity(path: Path) -> str:
    """Write a new identity to a file that only this user may read; return its recipient.

    Raises `Invalid` when the file exists.
    """
    if path.exists():
        raise Invalid(Violation("file", "new", f"{path} already exists: an identity is never overwritten"))
    made = Identity.generate()
    replace_secret(path, f"# recipient: {made.to_public()}\n{made}\n".encode())
    return str(made.to_public())


def encrypt(produce: Callable[[IO[bytes]], None], sink: IO[bytes], to: Sequence[Recipient]) -> None:
    """Encrypt what `produce` writes, and write it to `sink`."""
    with _piped(produce) as plain:
        pyrage.encrypt_io(plain, sink, to)


@contextmanager
def decrypted(source: IO[bytes], with_identities: Sequence[Identity]) -> Iterator[IO[bytes]]:
    """Yield the plaintext of `source` as a stream. Raises `BadArchive` when no identity fits."""
    try:
        with _piped(lambda sink: pyrage.decrypt_io(source, sink, with_identities)) as plain:
            yield plain
    except pyrage.DecryptError as error:
        raise BadArchive(
            f"cannot be decrypted: {error}: check that this is the identity it was encrypted to"
        ) from error


@contextmanager
def _piped(produce: Callable[[IO[bytes]], None]) -> Iterator[IO[bytes]]:
    """Yield what `produce` writes in another thread. Its error is raised here, before an error that it causes."""
    reading, writing = os.pipe()
    failed: list[Exception] = []
    left = threading.Event()

    def run() -> None:
        try:
            with os.fdopen(writing, "wb", buffering=io.DEFAULT_BUFFER_SIZE) as sink:
                produce(sink)
        except Exception as error:  # noqa: BLE001  # raised by the reader
            if not left.is_set():
                failed.append(error)

    producer = threading.Thread(target=run, name="archive", daemon=True)
    producer.start()
    try:
        with os.fdopen(reading, "rb") as source:
            try:
                yield source
            finally:
                # The stream has ended, perhaps because of an error in the thread that is the cause of the reader's.
                if not source.read(1):
                    producer.join()
                left.set()
    finally:
        producer.join()
        if failed:
            raise failed[0]
