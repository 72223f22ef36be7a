"""Limits of one process, for all its callers together and for each of them."""

import resource
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_network

from shared.config import Settings

RESERVED_DESCRIPTORS = 512
"""Reserved for databases, broker, files and the process itself; never used for callers."""

MOST_DESCRIPTORS = 65_536
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes and seconds. The defaults fit the memory that docker-compose.yml and the systemd unit give a process."""

    request_line: int = 8_192
    head: int = 16_384
    """Request line and header fields together, as sent."""
    fields: int = 100
    pipelined: int = 16
    """Requests of one connection that wait behind the one being answered."""
    head_seconds: float = 10.0
    """From the connection, or the first byte of a request, until its head is complete."""
    idle_seconds: float = 15.0
    body_seconds: float = 600.0
    answer_seconds: float = 600.0
    grace_seconds: float = 10.0
    """After this a body must have arrived, and a response been taken, at `least_rate` on average."""
    least_rate: int = 1_024
    stall_seconds: float = 20.0
    """Longest time in which the client takes no byte of a response."""
    drain: int = 64 * 2**20
    """Bytes read of a refused body, so that a client that is still sending gets to read why."""
    drain_seconds: float = 10.0
    bytes_in_flight: int = 128 * 2**20
    patience_seconds: float = 2.0
    """How long a request waits for its share of `bytes_in_flight`."""
    connections: int = 8_000
    streams: int = 5_000
    streams_per_address: int = 200
    stream_networks: Sequence[Network] = ()
    """Networks whose addresses may have any number of streams: halls behind one address."""

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Return the operator's limits, but never more connections than descriptors allow."""
        wanted = cls(
            bytes_in_flight=settings.bytes_in_flight,
            connections=settings.connections,
            streams=settings.streams,
            streams_per_address=settings.streams_per_address,
            stream_networks=tuple(ip_network(one) for one in settings.stream_networks.split(",") if one),
        )
        return wanted.within(allow_descriptors())

    def within(self, descriptors: int) -> "Limits":
        """Return the limits for a process with this many descriptors.

        Streams leave a quarter of the connections to others.
        """
        connections = min(self.connections, max(descriptors - RESERVED_DESCRIPTORS, descriptors // 2))
        return replace(self, connections=connections, streams=min(self.streams, connections * 3 // 4))


def allow_descriptors() -> int:
    """Raise this process's soft limit of open files as far as allowed. Return the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft == resource.RLIM_INFINITY:
        return MOST_DESCRIPTORS
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(soft, most)
