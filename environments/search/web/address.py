"""Which URLs and addresses may be fetched: public web servers, and what an operator allows by name.

A URL is untrusted twice: its spelling may hide an address, and its name may resolve to one. `target`
settles the first; `forbidden` is asked about every address that a name resolves to, when connecting.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from yarl import URL

from services.kit.failure import Refused

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_LOCAL_ENDS = (".localhost", ".local", ".internal", ".intranet", ".lan", ".home.arpa", ".onion")
# Resolvers read 127.1, 0x7f.1 and 2130706433 as addresses: the last label begins with a letter.
_HOST = re.compile(
    r"^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$"
)
_USER = re.compile(r"^[^/?#]*//[^/?#]*@")
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # beyond it: loopback, links, IPv4 in disguise, translators
# Special networks that Python calls global, depending on its version, and metadata servers among them.
_SPECIAL: tuple[Network, ...] = tuple(
    ip_network(network)
    for network in (
        "168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24",
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
)  # fmt: skip
_LONGEST_URL = 2_000


@dataclass(frozen=True)
class Allowance:
    """Which ports may be asked, and which networks that are not public: an operator's own servers."""

    networks: tuple[Network, ...] = ()
    ports: tuple[int, ...] = (80, 443)


def target(url: str, allowance: Allowance) -> URL:
    """The URL as it will be requested. Errors: Refused with the reason."""
    if len(url) > _LONGEST_URL or re.search(r"[\x00-\x20\x7f\\]", url):
        raise _refused(url, "it is too long or has spaces, backslashes or control characters")
    try:
        parsed = URL(url)
        port = parsed.port
    except ValueError as error:
        raise _refused(url, f"it is not a URL: {error}") from error
    if parsed.scheme not in ("http", "https"):
        raise _refused(url, "only http and https are fetched")
    if _USER.match(url):
        raise _refused(url, "it carries a user name")
    if port not in allowance.ports:
        raise _refused(url, f"port {port} is not allowed")
    _check_host(url, (parsed.raw_host or "").lower(), allowance)
    return parsed.with_fragment(None)


def forbidden(address: Address, allowance: Allowance) -> bool:
    """Whether connecting to this address could reach something private."""
    if _within(address, allowance.networks):
        return False
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return True
    return not address.is_global or address.is_multicast or _within(address, _SPECIAL)


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _check_host(url: str, host: str, allowance: Allowance) -> None:
    if "%" in host:
        raise _refused(url, "its host names a network interface")
    try:
        literal = ip_address(host)
    except ValueError:
        literal = None
    if literal is not None:
        if forbidden(literal, allowance):
            raise _refused(url, "its address is not public")
        return
    name = host.removesuffix(".")
    if not _HOST.match(name):
        raise _refused(url, "its host is not a public name")
    if name.endswith(_LOCAL_ENDS):
        raise _refused(url, "its host is a local name")


def _refused(url: str, reason: str) -> Refused:
    return Refused(f"{url[:200]!r} is not fetched: {reason}", field="page", remedy="open a public web page")
