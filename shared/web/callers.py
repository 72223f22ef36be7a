"""Groups addresses by caller."""

from ipaddress import IPv6Address, ip_address, ip_network


def place_of(address: str) -> str:
    """Return the caller of an address: an IPv4 address, or the /64 that one IPv6 subscriber owns."""
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(known, IPv6Address):
        return str(known.ipv4_mapped or ip_network((known, 64), strict=False))
    return str(known)
