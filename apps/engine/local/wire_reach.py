"""The guard of connections to brokers and caches: a name is resolved once, every address checked, one connected to.

Brokers name further brokers to connect to, so a client's every connection has to come through here.
"""

import asyncio
import ipaddress
import socket

from apps.engine.local.outbound import MayReach
from apps.engine.outcome import StepFailed, TryAgain

FORBIDDEN = "broker.forbidden_target"


class Reach:
    """One client's way out. Clients swallow why a connection failed, so it is kept here."""

    def __init__(self, may_reach: MayReach, goal: str = "broker") -> None:
        self._may_reach = may_reach
        self._goal = goal  # what is reached for, in codes and words
        self._refused = ""
        self._trouble = ""

    async def connected(self, host: str, port: int) -> socket.socket:
        """Return a connected socket; raise `OSError` when nobody answers or the host may not be reached."""
        try:
            return await self._connected(host, port)
        except OSError as problem:
            self._trouble = f"{host}:{port}: {problem.strerror or problem}"
            raise

    async def _connected(self, host: str, port: int) -> socket.socket:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError as error:
            raise OSError(f"{host!r} is no name") from error
        for *_, place in found:
            address = ipaddress.ip_address(str(place[0]).partition("%")[0])
            if not self._may_reach(host, port, address):
                self._refused = f"{host} is a private address."
                raise ConnectionRefusedError(self._refused)
        problem: OSError | None = None
        for family, kind, protocol, _, place in found:
            link = socket.socket(family, kind, protocol)
            try:
                link.setblocking(False)
                await loop.sock_connect(link, place)
            except OSError as error:
                link.close()
                problem = error
            except BaseException:
                link.close()
                raise
            else:
                return link
        raise problem or OSError(f"{host} has no address")

    def failure(self, problem: BaseException) -> StepFailed | TryAgain:
        """Return what a failed exchange comes to, in the words of whatever went wrong beneath it."""
        if isinstance(problem, StepFailed | TryAgain):
            return problem
        if self._refused:
            return StepFailed(self._refused, code=f"{self._goal}.forbidden_target")
        said = self._trouble or str(problem) or type(problem).__name__
        return TryAgain(f"The {self._goal} cannot be reached: {said}", code=f"{self._goal}.unreachable")
