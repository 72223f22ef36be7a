"""Which addresses a webhook may lead to. Pure, except `resolved`.

The name is resolved once, its addresses are checked, and the call goes to the checked address: it cannot resolve
differently between check and call. An IPv6 address that contains an IPv4 address is judged by that one as well. The
county may allow networks of its own (`TONGYUAN_WEBHOOK_NETWORKS`); only there may a receiver listen without TLS.
"""

import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from shared.errors import Invalid, Violation
from shared.security.privacy import find_personal_data

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Sequence[str]]
LONGEST_URL = 300
NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
FORBIDDEN = tuple(
    ip_network(one)
    for one in (
        # Loopback, private, link-local, shared (CGNAT), documentation, benchmarks, reserved, multicast.
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        *("::/128", "::1/128", "100::/64", "2001:db8::/32", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
    )
)


class ForbiddenAddress(Exception):
    """The name leads to an address that must not be called."""


class Rules(Protocol):
    """Which addresses a caller may call."""

    def require_url(self, url: str) -> SplitResult:
        """Return the parts of an address that may be called. Raises `Invalid` (field `url`)."""
        ...

    def choose(self, found: Sequence[str], *, tls: bool) -> str:
        """Return which of a name's addresses is called. Raises `ForbiddenAddress` if any may not be called."""
        ...


@dataclass(frozen=True)
class AddressRules:
    """The rules of one county. `networks`: its own, where receivers may be."""

    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, text: str) -> "AddressRules":
        """Return the rules of the setting: networks, comma-separated."""
        return cls(tuple(ip_network(one) for one in text.split(",") if one))

    def require_url(self, url: str) -> SplitResult:
        """Return the parts of an address that may be subscribed. Raises `Invalid` (field `url`)."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise _refused("form", "不是网址 (is not a URL)") from None
        plain = not (parts.username or parts.password or parts.fragment) and url.isascii() and url.isprintable()
        if parts.scheme not in ("https", "http") or not parts.hostname or not plain or " " in url or port == 0:
            raise _refused(
                "form", "应为 https://主机/路径，不含用户名和片段 (must be https://host/path, no user or fragment)"
            )
        if len(url) > LONGEST_URL:
            raise _refused("length", f"最多 {LONGEST_URL} 个字符 (at most {LONGEST_URL} characters)")
        if find_personal_data(url):
            raise _refused("personal", "不得含个人号码 (must not contain personal numbers)")
        if parts.scheme == "http" and not self.networks:
            raise _refused("tls", "必须是 https (must be https; TONGYUAN_WEBHOOK_NETWORKS allows own networks)")
        if (number := _number(parts.hostname)) is not None:
            try:
                self.require(str(number), tls=parts.scheme == "https")
            except ForbiddenAddress as error:
                raise _refused("address", str(error)) from None
        return parts

    def choose(self, found: Sequence[str], *, tls: bool) -> str:
        """See `Rules`."""
        allowed = [self.require(one, tls=tls) for one in found]
        if not allowed:
            raise ForbiddenAddress("没有地址 (the name has no address)")
        return allowed[0]

    def require(self, address: str, *, tls: bool) -> str:
        """Return an address that may be called. Raises `ForbiddenAddress`, naming the rule and never the address."""
        known = ip_address(address.partition("%")[0])
        if any(known in network for network in self.networks):
            return str(known)
        if not tls:
            raise ForbiddenAddress("没有 TLS 只能在本县自己的网络里 (without TLS only in the county's own networks)")
        if not is_public(str(known)):
            raise ForbiddenAddress("不是公网地址 (not a public address; TONGYUAN_WEBHOOK_NETWORKS allows own networks)")
        return str(known)


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet, whatever it is translated to."""
    return not any(is_forbidden(one) for one in meanings(ip_address(address.partition("%")[0])))


def is_forbidden(address: Address) -> bool:
    """Whether an address is not one of the public internet, taken by itself."""
    return any(address in network for network in FORBIDDEN) or not address.is_global or address.is_multicast


def meanings(address: Address) -> Iterator[Address]:
    """Yield the address, and each IPv4 address that an IPv6 address leads to: mapped, compatible, NAT64, 6to4, Teredo.

    An IPv6 address that only translates is not judged by itself where its family is reserved for that.
    """
    if isinstance(address, IPv4Address):
        yield address
        return
    inner = list(_inner(address))
    yield from inner
    translated = (
        address.ipv4_mapped is not None or any(address in one for one in NAT64) or address.sixtofour is not None
    )
    if not translated:
        yield address


def _inner(address: IPv6Address) -> Iterator[IPv4Address]:
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if any(address in one for one in NAT64):
        yield IPv4Address(address.packed[-4:])
    if int(address) >> 32 == 0 and int(address) > 1:
        yield IPv4Address(address.packed[-4:])


def resolved(host: str, port: int) -> list[str]:
    """Resolve a name to addresses. Raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _number(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _refused(rule: str, message: str) -> Invalid:
    return Invalid(Violation("url", rule, message))
