"""Where the service may send to: the open internet over HTTPS, and networks that its operator named.

Whoever enters an address makes this machine send something there, past the walls that keep others out. So an address of
this machine, of its neighbours or of the provider's own services is refused unless the operator allows its network, and
it is looked up again for each request: a name may lead elsewhere tomorrow.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from layers.errors import Unacceptable

LONGEST_URL = 2_000
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
# Written as addresses of IPv6, these lead to addresses of IPv4 that would have to be judged themselves.
_LEADING_ELSEWHERE = tuple(ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"))


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart: over TLS or not, the name, its port, and what is asked for there."""

    secure: bool
    host: str
    port: int
    path: str


class Unreachable(Exception):
    """The address may not be sent to; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def require_reachable(url: str, *, allowed: Sequence[Network]) -> None:
    """Raise Unacceptable, saying why, for an address that may not be sent to."""
    try:
        find_addresses(read_target(url), allowed=allowed)
    except Unreachable as wrong:
        raise Unacceptable(wrong.code, errors=[(["url"], wrong.code)]) from None


def read_target(url: str) -> Target:
    """The address taken apart; raises Unreachable for one that is none, or that holds a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Unreachable("webhook_no_address") from None
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= LONGEST_URL
    if parts.scheme not in ("https", "http") or not parts.hostname or not plain or port == 0:
        raise Unreachable("webhook_no_address")
    if parts.username is not None or parts.password is not None:
        raise Unreachable("webhook_with_password")
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(secure, parts.hostname, port or (443 if secure else 80), path)


def find_addresses(target: Target, *, allowed: Sequence[Network]) -> list[Address]:
    """What the name stands for now; raises Unreachable unless all of it may be sent to."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable("webhook_unknown_host") from None
    addresses = list(dict.fromkeys(_unmap(ip_address(str(one[4][0]).partition("%")[0])) for one in found))
    for address in addresses:
        if any(address in network for network in allowed):
            continue
        if not _is_open(address):
            raise Unreachable("webhook_inner_address")
        if not target.secure:
            raise Unreachable("webhook_without_tls")
    return addresses


def _unmap(address: Address) -> Address:
    """An address of IPv4 that is written as one of IPv6, as itself."""
    return getattr(address, "ipv4_mapped", None) or address


def _is_open(address: Address) -> bool:
    """Whether an address is one of the open internet, and not this machine's own."""
    if not address.is_global or address.is_multicast or any(address in network for network in _LEADING_ELSEWHERE):
        return False
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_STREAM) as mine:
        try:
            mine.bind((str(address), 0))
        except OSError:
            return True  # only a machine's own addresses can be bound
    return False
