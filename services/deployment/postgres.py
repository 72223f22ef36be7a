"""The generated sections of deploy/postgres/roles.sql, which name the accounts."""

from collections.abc import Callable, Iterator, Mapping

from services.deployment import values


def sections() -> Mapping[str, Callable[[], Iterator[str]]]:
    """Return the function that yields the lines of each section, by name."""
    return {"passwords": _passwords, "accounts": _accounts}


def _passwords() -> Iterator[str]:
    yield from (rf"\getenv {name} POSTGRES_PASSWORD_{name.upper()}" for name in values.database_accounts())


def _accounts() -> Iterator[str]:
    yield ",\n".join(f"    ('{name}', :'{name}')" for name in values.database_accounts()) + ";"
