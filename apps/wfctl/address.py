"""Where `wfctl run` listens: the address that the document names, or the one given on the command line."""

from dataclasses import dataclass

from apps.engine.document import Document

SERVERS = ("http.server", "httpserver.modular")
DEFAULT = ":8080"
LOOPBACK = "127.0.0.1"
HIGHEST_PORT = 65535


class BadAddress(Exception):
    """The text is not an address to listen on."""


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port; port 0 asks the system for a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The address as typed into a browser on this machine."""
        return f"http://{Address(LOOPBACK, self.port) if self.host in ('0.0.0.0', '::') else self}"  # noqa: S104


def parse_address(text: str) -> Address:
    """Read `host:port`, `:port`, `port` or `[v6]:port`; without a host it is the loopback, not the whole network."""
    host, _, port = text.strip().rpartition(":")
    if not (port.isascii() and port.isdigit()) or int(port) > HIGHEST_PORT:
        raise BadAddress(f"{text!r} is not an address: write host:port, such as 127.0.0.1:8080.")
    bare = host.removeprefix("[").removesuffix("]")
    if ":" in bare and bare == host:
        raise BadAddress(f"{text!r} is not an address: write [{host}]:{port}.")
    return Address(bare or LOOPBACK, int(port))


def address_of(document: Document) -> Address:
    """Return the address of the document's first HTTP server; raise `BadAddress`."""
    servers = (entry.config for entry in document.modules if entry.kind in SERVERS)
    named = (config.get("address") or config.get("port") for config in servers)
    return parse_address(str(next((address for address in named if address), DEFAULT)))
