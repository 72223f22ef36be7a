"""Which addresses hooks may lead to: hosts that the operators name, by default with public addresses only."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from shared.config import Settings
from shared.errors import Invalid, Violation
from shared.security.privacy import find_personal_data
from shared.webhooks.addresses import ForbiddenAddress, is_public


@dataclass(frozen=True)
class HostRules:
    """`hosts`: `name` or `name:port`. `private`: they may have private addresses and listen without TLS."""

    hosts: frozenset[str] = frozenset()
    private: bool = False

    @classmethod
    def of(cls, settings: Settings) -> "HostRules":
        """Return the rules of the settings."""
        return cls(frozenset(one for one in settings.hook_hosts.split(",") if one), settings.hook_private)

    def require_url(self, url: str) -> SplitResult:
        """Return the parts of an address that may be called. Raises `Invalid` (field `url`)."""
        parts = _parts(url)
        schemes = ("https", "http") if self.private else ("https",)
        plain = not (parts.username or parts.password or parts.query or parts.fragment)
        if parts.scheme not in schemes or not plain or not url.isascii() or not url.isprintable() or " " in url:
            wanted = f"{' or '.join(schemes)}://host/path, in ASCII and without user, query, fragment"
            raise _refused("form", f"must be {wanted}")
        if find_personal_data(url):
            raise _refused("personal", "must not contain personal numbers")
        if not parts.hostname or host_of(url) not in self.hosts:
            listed = "its operators list the allowed hosts (TONGYUAN_HOOK_HOSTS)"
            raise _refused("host", f"this county does not call this host; {listed}")
        return parts

    def choose(self, found: Sequence[str], *, tls: bool) -> str:
        """See `Rules`. An address without TLS was refused before: `tls` decides nothing here."""
        if not found or not (self.private or all(is_public(one) for one in found)):
            raise ForbiddenAddress("private address")
        return found[0]


def host_of(url: str) -> str:
    """Return `name` or `name:port` of an address, as the setting writes it. Raises `Invalid` (field `url`)."""
    parts = _parts(url)
    name = parts.hostname or ""
    return name if parts.port is None else f"{name}:{parts.port}"


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise _refused("form", "is not a URL") from None
    return parts


def _refused(rule: str, message: str) -> Invalid:
    return Invalid(Violation("url", rule, message))
