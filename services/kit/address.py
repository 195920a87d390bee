"""Which URLs and addresses may be asked: public servers, and what an operator allows.

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
# A machine or a service of a cluster, such as `redis` or `terminal.podium.svc`.
_LOCAL_HOST = re.compile(
    r"^(?=.{1,253}$)[a-z](?:[a-z0-9_-]{0,61}[a-z0-9])?(?:\.[a-z](?:[a-z0-9_-]{0,61}[a-z0-9])?)*$"
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
    """Which networks that are not public may be asked, and which ports (None: any).

    `local_names`: names without a dot or of a local domain may be asked; what they resolve to still
    decides.
    """

    networks: tuple[Network, ...] = ()
    ports: tuple[int, ...] | None = (80, 443)
    local_names: bool = False


class NotAllowed(Refused):
    """`reason` says what is wrong with the URL."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"{url[:200]!r} is not allowed: {reason}",
            field="url",
            value=url,
            remedy="give a public address, or have its network allowed",
        )
        self.reason = reason


def target(url: str, allowance: Allowance) -> URL:
    """The URL as it will be requested. Errors: NotAllowed."""
    if len(url) > _LONGEST_URL or re.search(r"[\x00-\x20\x7f\\]", url):
        raise NotAllowed(url, "it is too long or has spaces, backslashes or control characters")
    try:
        parsed = URL(url)
        port = parsed.port
    except ValueError as error:
        raise NotAllowed(url, f"it is not a URL: {error}") from error
    if parsed.scheme not in ("http", "https"):
        raise NotAllowed(url, "only http and https are spoken")
    if _USER.match(url):
        raise NotAllowed(url, "it carries a user name")
    if port is None or (allowance.ports is not None and port not in allowance.ports):
        raise NotAllowed(url, f"port {port} is not allowed")
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
        raise NotAllowed(url, "its host names a network interface")
    try:
        literal = ip_address(host)
    except ValueError:
        literal = None
    if literal is not None:
        if forbidden(literal, allowance):
            raise NotAllowed(url, "its address is not public")
        return
    name = host.removesuffix(".")
    if allowance.local_names and _LOCAL_HOST.match(name):
        return
    if not _HOST.match(name):
        raise NotAllowed(url, "its host is not a public name")
    if name.endswith(_LOCAL_ENDS):
        raise NotAllowed(url, "its host is a local name")
