"""The generated section of deploy/certificates.py: the name in the certificate of each process."""

from collections.abc import Callable, Iterator, Mapping

from services.runtime import manifests


def sections() -> Mapping[str, Callable[[], Iterator[str]]]:
    """Return the function that yields the lines of each section, by name."""
    return {"certificates": _accounts}


def _accounts() -> Iterator[str]:
    for one in manifests.processes():
        account = one.service if one.broker else f"{one.name}-http"
        yield f'"{one.name}": "{account}",'
