"""Where a request truly comes from, and whether that address may send alerts.

The direct peer is whoever opened the TCP connection. `X-Forwarded-For` counts only when that is a trusted proxy; then
it is read from the right, passing over trusted proxies, and the first other address is the true peer. What stands left
of it was written by strangers and never counts. HAProxy appends the direct peer as the last entry (Serve's Python proxy
does not): where the peer is trusted that entry is passed over like any proxy, where it is not the header is not read at
all. So both shapes give the same peer.
"""

import functools
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Self

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PRESETS = {
    "tradingview": ("52.89.214.238", "34.212.75.30", "54.218.53.128", "52.32.178.7"),
    "loopback": ("127.0.0.0/8", "::1"),
    "any": ("0.0.0.0/0", "::/0"),
}
"""Names that stand for networks. `tradingview`: the addresses that TradingView publishes for its alerts."""

UNKNOWN = "unknown"
_LONGEST = 64
_MAPPED_BITS = 96
_SITE_BITS = 64


@dataclass(frozen=True)
class Caller:
    """Who sent a request. `address` is None where the server could not tell; `via_proxy`: a trusted proxy passed it."""

    address: Address | None
    via_proxy: bool = False

    @functools.cached_property
    def peer(self) -> str:
        """The address as text, for records and people."""
        return UNKNOWN if self.address is None else str(self.address)

    @functools.cached_property
    def rate_key(self) -> str:
        """What shares one rate: an IPv4 address, or the /64 that one IPv6 host can move about in."""
        if isinstance(self.address, IPv6Address):
            return str(IPv6Network((int(self.address) >> _SITE_BITS << _SITE_BITS, _SITE_BITS)))
        return self.peer


@dataclass(frozen=True, slots=True)
class Peers:
    """The allow-list (empty: everybody) and the proxies whose word on the sender's address is taken."""

    allowed: tuple[Network, ...] = ()
    proxies: tuple[Network, ...] = ()

    @classmethod
    def named(cls, allowed: Iterable[str], proxies: Iterable[str]) -> Self:
        """From networks and presets as they stand in a config file.

        Raises:
            ValueError: one is no network and no preset.
        """
        return cls(read_networks(allowed), read_networks(proxies))

    def caller(self, direct: str, forwarded: str) -> Caller:
        """The true peer.

        Args:
            direct: the address of the TCP peer, as the server has it.
            forwarded: `X-Forwarded-For`, all its lines joined with commas.
        """
        address = read_address(direct)
        if address is None or not _within(address, self.proxies):
            return Caller(address)
        for entry in reversed(forwarded.split(",")) if forwarded.strip() else ():
            named = read_address(entry)
            if named is None:
                break
            if not _within(named, self.proxies):
                return Caller(named, via_proxy=True)
        return Caller(address, via_proxy=True)

    def admits(self, caller: Caller) -> bool:
        """Whether alerts are taken from there."""
        return not self.allowed or (caller.address is not None and _within(caller.address, self.allowed))


@functools.lru_cache(maxsize=1024)
def read_address(text: str) -> Address | None:
    """The address in `text`, or None. Port, brackets and zone id are dropped; IPv4 inside IPv6 becomes IPv4."""
    bare = text.strip()
    if len(bare) > _LONGEST or not bare.isascii():
        return None
    if bare.startswith("["):
        bare, closed, port = bare[1:].partition("]")
        if not closed or (port and not _is_port(port)):
            return None
    elif bare.count(":") == 1:
        bare, _, port = bare.partition(":")
        if not _is_port(f":{port}"):
            return None
    if ":" in bare:
        bare = bare.partition("%")[0]
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def read_networks(names: Iterable[str]) -> tuple[Network, ...]:
    """The networks that presets, addresses and CIDR notations stand for.

    Raises:
        ValueError: one is none of these; the text names it.
    """
    return tuple(_network(part) for name in names for part in PRESETS.get(name, (name,)))


def _network(text: str) -> Network:
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        presets = ", ".join(PRESETS)
        raise ValueError(f"{text!r} is no address, no network and none of {presets} ({error})") from None
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is not None and network.prefixlen >= _MAPPED_BITS:
        return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))
    return network


def _is_port(text: str) -> bool:
    return text[0] == ":" and text[1:].isdecimal() and len(text) <= len(":65535")


def _within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)
