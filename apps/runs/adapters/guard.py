"""The outbound guard for connections that are not HTTP: resolve once, check every address, connect to that one."""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable

from apps.engine.addresses import AllowList, is_public
from apps.engine.outcome import StepFailed, TryAgain


class AddressGuard:
    """Says which address a host may be reached at."""

    def __init__(self, allow: Iterable[str]) -> None:
        self._allow = AllowList(allow)

    async def address_of(self, host: str, port: int) -> str:
        """Return the address to connect to; raise `StepFailed` when any of the host's addresses is private."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise TryAgain(f"{host} is not known: {error}", code="database.unreachable") from error
        addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
        if not self._allow.names(host, port):
            for address in addresses:
                if not is_public(address) and not self._allow.holds(address):
                    raise StepFailed(f"{host} is a private target.", code="database.forbidden_target")
        return str(addresses[0])
