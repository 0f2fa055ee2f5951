"""What may be connected to: addresses of the internet, and networks that a setting names.

The address that is connected to is the one that was checked: a name that says another address a
moment later leads nowhere else.
"""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from extractors.errors import SurefieldError

Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

LONGEST = 2_000
# IPv6 that carries an IPv4 address: what it leads to is not seen in it
CARRIES_IPV4 = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))

PROTOCOLS = ip_network("192.0.0.0/24")  # versions of Python differ about it


class InvalidAddress(SurefieldError):
    """It is no URL that can be connected to."""

    code = "invalid_address"


class AddressRefused(SurefieldError):
    """A URL leads to an address that nothing is connected to."""

    code = "address_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An address, taken apart."""

    secure: bool  # https
    host: str
    port: int
    path: str  # with its query


def target_of(url: str) -> Target:
    """Raises InvalidAddress when nothing can be asked of it."""
    if any(ord(each) <= 32 or ord(each) == 127 for each in url):
        raise InvalidAddress("The address has blanks or control characters. Write them as %-codes.")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except (ValueError, UnicodeError) as error:
        raise InvalidAddress(
            "The address is no URL. Name one like https://example.org/x"
        ) from error
    if parts.scheme not in ("https", "http") or not host or len(url) > LONGEST:
        raise InvalidAddress("The address is no URL. Name one like https://example.org/x")
    if parts.username or parts.password:
        raise InvalidAddress("Leave name and password out of the address.")
    path = parts.path or "/"
    path += f"?{parts.query}" if parts.query else ""
    if not path.isascii():
        raise InvalidAddress("Write letters beyond ASCII as %-codes after the name of the host.")
    secure = parts.scheme == "https"
    return Target(secure=secure, host=host, port=port or (443 if secure else 80), path=path)


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the machine knows them.

    Raises OSError.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]


def open_address(
    target: Target, allowed: Sequence[Network], *, setting: str, ask: Resolve = resolve
) -> str:
    """The address to connect to.

    allowed: networks beside the internet that may be connected to, without TLS too
    setting: where these are said, for whoever reads the error

    Raises AddressRefused, and OSError when the name is not known.
    """
    for each in ask(target.host, target.port):
        if _is_allowed(each, allowed):
            return each
        if target.secure and _is_public(each):
            return each
    raise AddressRefused(
        f"{target.host} is no address of the internet, or is not asked by https. Allow its network:"
        f" {setting}"
    )


def _is_allowed(address: str, allowed: Sequence[Network]) -> bool:
    one = ip_address(address.partition("%")[0])
    if isinstance(one, IPv6Address) and one.ipv4_mapped is not None:
        one = one.ipv4_mapped
    return any(one.version == network.version and one in network for network in allowed)


def _is_public(address: str) -> bool:
    one = ip_address(address.partition("%")[0])
    if isinstance(one, IPv6Address):
        if one.ipv4_mapped is not None:
            one = one.ipv4_mapped
        elif any(one in network for network in CARRIES_IPV4):
            return False
    special = one.is_multicast or one.is_reserved or (one.version == 4 and one in PROTOCOLS)
    return one.is_global and not special
