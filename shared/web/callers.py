"""Addresses of callers and listeners, as they are written and grouped."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network


def known_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address, without its zone; None for a text that is none."""
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None


def plain(address: str) -> str:
    """Return a client's address as everybody else writes it.

    A socket for both protocols names an IPv4 client `::ffff:192.0.2.1` (RFC 4291, section 2.5.5.2): that is 192.0.2.1.
    """
    known = known_address(address) if address.startswith("::ffff:") else None
    mapped = known.ipv4_mapped if isinstance(known, IPv6Address) else None
    return address if mapped is None else str(mapped)


def place_of(address: str) -> str:
    """Return the caller of an address: an IPv4 address, or the /64 that one IPv6 subscriber owns."""
    known = known_address(address)
    if isinstance(known, IPv6Address):
        return str(known.ipv4_mapped or ip_network((known, 64), strict=False))
    return address if known is None else str(known)


def authority(host: str, port: int) -> str:
    """Return host and port as a URL has them: an IPv6 address in brackets (RFC 3986, section 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
