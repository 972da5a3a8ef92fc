"""Where `wfctl run` listens: the address that the document names, or the one given on the command line."""

from dataclasses import dataclass
from typing import Any

from apps.engine.checks.known import canonical
from apps.engine.document import Document
from apps.engine.framework_settings import FrameworkSettings, Settings

SERVERS = ("http.server", "httpserver.modular")
DEFAULT = ":8080"
ANY_FREE = ":0"
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
        return self.url_of("http")

    def url_of(self, scheme: str) -> str:
        """Return the address as a URL."""
        return f"{scheme}://{Address(LOOPBACK, self.port) if self.host in ('0.0.0.0', '::') else self}"  # noqa: S104


def parse_address(text: str) -> Address:
    """Read `host:port`, `:port`, `port` or `[v6]:port`; without a host it is the loopback, not the whole network."""
    host, _, port = text.strip().rpartition(":")
    if not (port.isascii() and port.isdigit()) or int(port) > HIGHEST_PORT:
        raise BadAddress(f"{text!r} is not an address: write host:port, such as 127.0.0.1:8080.")
    bare = host.removeprefix("[").removesuffix("]")
    if ":" in bare and bare == host:
        raise BadAddress(f"{text!r} is not an address: write [{host}]:{port}.")
    return Address(bare or LOOPBACK, int(port))


def address_of(document: Document, usual: str = DEFAULT) -> Address:
    """Return the address of the document's first HTTP server, the usual one if it names none; raise `BadAddress`."""
    found = server_of(document)
    return parse_address((_named(found.values) if found is not None else "") or usual)


def server_of(document: Document) -> Settings | None:
    """Return the settings of the HTTP server that is served: the first that names an address, else the first."""
    settings = FrameworkSettings(document, {entry.name: canonical(entry.kind) for entry in document.modules})
    servers = [settings.of(entry) for entry in document.modules if canonical(entry.kind) in SERVERS]
    return next((each for each in servers if _named(each.values)), servers[0] if servers else None)


def _named(config: dict[str, Any]) -> str:
    """Return what a server says: an address, or a port with or without a host."""
    if config.get("address"):
        return str(config["address"])
    host, port = str(config.get("host") or ""), config.get("port")
    if host:
        return str(Address(host, 0)).removesuffix("0") + str(port or DEFAULT.removeprefix(":"))
    return str(port or "")
