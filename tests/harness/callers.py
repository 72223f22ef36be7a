"""Keys of all callers of services in a production county, fixed for tests; they open nothing else."""

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.runtime import manifests
from shared.tokens.keys import private_key
from shared.tokens.minting import Minter

NAMES = (
    *(one.name for one in manifests.processes() if one.signs),
    *(one.name for one in manifests.outsiders()),
)


def key_of(caller: str) -> str:
    """Return a caller's private key, as a setting."""
    return hashlib.sha256(f"a test's key of {caller}".encode()).hexdigest()


def public_digits(key: Ed25519PrivateKey) -> str:
    """Return a public key as `TONGYUAN_CALLERS` holds it."""
    return key.public_key().public_bytes_raw().hex()


def public_key_of(caller: str) -> str:
    """Return a caller's public key, as in `TONGYUAN_CALLERS`."""
    return f"{caller}+{public_digits(private_key(key_of(caller), 'test'))}"


CALLERS = ",".join(map(public_key_of, NAMES))


def environment(process: str, admin_token: str) -> dict[str, str]:
    """Return the settings that a process needs to call and to be called, from its manifest."""
    asked = manifests.process(process)
    return {
        "TONGYUAN_CALLERS": CALLERS,
        **({"TONGYUAN_CALLER_KEY": key_of(process)} if asked.signs else {}),
        **({"TONGYUAN_ADMIN_TOKEN": admin_token} if "admin_token_hash" in asked.secrets else {}),
    }


def operator(service: str) -> Minter:
    """Return a minter of operator's tokens for one service."""
    return Minter(manifests.OPERATOR.name, private_key(key_of(manifests.OPERATOR.name), "test"), service)
