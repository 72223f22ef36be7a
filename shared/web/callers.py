"""Addresses of callers and listeners, as they are written and grouped."""

from ipaddress import IPv6Address, ip_address, ip_network

MAPPED = "::ffff:"
"""How the kernel writes an IPv4 client of an IPv6 socket (RFC 4291, section 2.5.5.2)."""


def plain(address: str) -> str:
    """Return the IPv4 address of a client that a socket for both protocols names `::ffff:192.0.2.1`; others as is."""
    return address.removeprefix(MAPPED) if address.startswith(MAPPED) else address


def place_of(address: str) -> str:
    """Return the caller of an address: an IPv4 address, or the /64 that one IPv6 subscriber owns."""
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(known, IPv6Address):
        return str(known.ipv4_mapped or ip_network((known, 64), strict=False))
    return str(known)


def authority(host: str, port: int) -> str:
    """Return host and port as a URL has them: an IPv6 address in brackets (RFC 3986, section 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
