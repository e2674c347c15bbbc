"""Which addresses a delivery may be sent to: public ones, and what the operator allows besides. Pure.

A table of our own says what is not public: what the standard library holds for private differs between its
versions, and it knows nothing of addresses that clouds use for themselves.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

DEFAULT_PORTS = {"http": 80, "https": 443}

NOT_PUBLIC: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), meaning)
    for network, meaning in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a provider"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "a cloud's own"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "special"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "special"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarks"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("2001::/23", "special"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "a tunnel"),
        ("3fff::/20", "documentation"),
    )
)
"""What is not public in the public space of either protocol (IANA's registries of special purposes)."""

PUBLIC_6 = IPv6Network("2000::/3")
"""All of IPv6 that is handed out to the public."""

TRANSLATED_4 = IPv6Network("64:ff9b::/96")
"""IPv4 behind a translator: the last 32 bits say where it ends."""


class NotAnAddress(ValueError):
    """An address of a webhook that cannot be called; the text says why."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What an operator allows besides public addresses: networks, and hosts by name wherever they are."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The parts of a webhook's address. ``host`` is in lower case and without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What the ``Host`` header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def at(self, address: Address) -> str:
        """The same address with a checked number in place of the host's name."""
        host = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
        return f"{self.scheme}://{host}:{self.port}{self.path}"


def parse_allowed(text: str) -> Allowed:
    """Networks, addresses and host names, separated by commas. Raises ``NotAnAddress``."""
    networks: list[Network] = []
    hosts: set[str] = set()
    for entry in filter(None, (part.strip() for part in text.split(","))):
        if _is_host_name(entry):
            hosts.add(entry.lower().rstrip("."))
            continue
        try:
            networks.append(ip_network(entry, strict=False))
        except ValueError as error:
            raise NotAnAddress(f"{entry!r} is neither a network nor a host") from error
    return Allowed(tuple(networks), frozenset(hosts))


def parse_endpoint(url: str) -> Endpoint:
    """The parts of an http or https address. Raises ``NotAnAddress``."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NotAnAddress("the address cannot be read") from error
    if parts.scheme not in DEFAULT_PORTS:
        raise NotAnAddress("the address is neither http nor https")
    if not parts.hostname or not url.isascii() or not url.isprintable() or " " in url:
        raise NotAnAddress("the address has no host, or letters that no address has")
    if "@" in parts.netloc:
        raise NotAnAddress("the address holds a user name")
    number = DEFAULT_PORTS[parts.scheme] if port is None else port
    return Endpoint(parts.scheme, parts.hostname, number, _path(parts))


def permitted(endpoint: Endpoint, resolved: Iterable[str], allowed: Allowed) -> list[Address]:
    """The addresses, of those that the host's name stands for, that may be called.

    Raises ``NotAnAddress`` if there is none, with the reason that keeps the first of them out.
    """
    addresses = [ip_address(text.partition("%")[0]) for text in resolved]
    if not addresses:
        raise NotAnAddress(f"{endpoint.host} has no address")
    if endpoint.host.rstrip(".") in allowed.hosts:
        return addresses
    found = [address for address in addresses if objection(address, allowed) is None]
    if not found:
        raise NotAnAddress(f"{addresses[0]} is not allowed: {objection(addresses[0], allowed)}")
    return found


def objection(address: Address, allowed: Allowed) -> str | None:
    """Why an address may not be called, ``None`` if it may."""
    meant = _meant(address)
    if any(each in network for each in (address, meant) for network in allowed.networks):
        return None
    if isinstance(meant, IPv6Address) and meant not in PUBLIC_6:
        return "its network is not public"
    return next((f"its network is {what}" for network, what in NOT_PUBLIC if meant in network), None)


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in TRANSLATED_4:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _is_host_name(entry: str) -> bool:
    """Whether an entry is a name: numbers, with or without the length of a network, are none."""
    return any(letter.isalpha() for letter in entry) and ":" not in entry and "/" not in entry


def _path(parts: SplitResult) -> str:
    query = f"?{parts.query}" if parts.query else ""
    return (parts.path or "/") + query
