"""Addresses that may be sent to: a tenant's URL never leads into the network that the server stands in."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from agentflow.errors import RequestError

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PATIENCE = 5.0
"""Seconds that a name may take to be resolved."""
INWARD = tuple(
    ipaddress.ip_network(net)
    for net in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",
        "::ffff:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/32",
        "2002::/16",
        "fec0::/10",
        "ff00::/8",
    )
)
"""What leads inward or nowhere, although `is_global` may call it public: translated, tunnelled, group addresses."""


@dataclass(frozen=True)
class Place:
    """Where a URL leads."""

    scheme: str
    host: str
    port: int


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, as the system knows them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True)
class Gate:
    """Which places may be sent to. With `private` all: for a server on one's own desk, and for an operator's sinks."""

    private: bool = False
    resolve: Resolve = resolve

    def place(self, url: str) -> Place:
        """The place of a URL by its form. Raises RequestError where it may not be sent to."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise _unsafe("It is no URL.") from None
        if parts.scheme not in (("https", "http") if self.private else ("https",)):
            raise _unsafe("Use https.")
        if not parts.hostname or parts.username is not None or parts.password is not None or parts.fragment:
            raise _unsafe("Use a host name, without a user, a password or a fragment.")
        if any(char <= " " or char == "\x7f" or char == "\\" for char in url) or not url.isascii():
            raise _unsafe("It holds characters that no URL has.")
        port = port or (443 if parts.scheme == "https" else 80)
        if not self.private and port != 443:
            raise _unsafe("Use port 443.")
        return Place(parts.scheme, parts.hostname, port)

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a host, if every one of them is public. Raises RequestError."""
        try:
            async with asyncio.timeout(PATIENCE):
                found = await self.resolve(host, port)
        except (OSError, TimeoutError, UnicodeError):
            raise _unsafe("Its host is not known.") from None
        if not found or not (self.private or all(is_public(one) for one in found)):
            raise _unsafe("Its host is not on the public network.")
        return found

    async def check(self, url: str) -> None:
        """Raises RequestError where a URL may not be sent to."""
        place = self.place(url)
        await self.addresses(place.host, place.port)


def is_public(address: str) -> bool:
    """True where an address is on the public network and leads nowhere else."""
    found: Address = ipaddress.ip_address(address.partition("%")[0])
    return found.is_global and not any(found in net for net in INWARD)


def _unsafe(why: str) -> RequestError:
    return RequestError(f"The URL is not one to send to. {why}", code="unsafe-url")
