"""Which network addresses are out in the world, and which private ones a deployment lets be reached."""

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AllowList:
    """Which private targets may be reached: hosts, host:port, addresses and networks."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._names: set[str] = set()
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for entry in entries:
            try:
                self._networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                self._names.add(entry.lower())

    def names(self, host: str, port: int) -> bool:
        """Say whether the host, or host and port, are listed."""
        return host.lower() in self._names or f"{host.lower()}:{port}" in self._names

    def holds(self, address: Address) -> bool:
        """Say whether the address lies in a listed network."""
        return any(address.version == network.version and address in network for network in self._networks)

    def admits(self, host: str, port: int, address: Address) -> bool:
        """Say whether a host may be reached at one of its addresses: public ones always, others when listed."""
        return is_public(address) or self.names(host, port) or self.holds(address)


def is_public(address: Address) -> bool:
    """Say whether an address is out in the world; addresses that wrap another are judged by the one inside."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast
