"""What one `wfctl run` serves: documents, each under its own name and on its own address, and links between them."""

import socket
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console as Terminal

from apps.engine.application import Application
from apps.engine.check import CheckOptions
from apps.engine.local.host import LOCAL
from apps.engine.registry import Registry
from apps.wfctl.address import ANY_FREE, DEFAULT, Address, BadAddress, address_of
from apps.wfctl.encryption import BadCertificate, Encryption, encryption_of
from apps.wfctl.linking import Linked, names_of, read_links
from apps.wfctl.reading import Examined, compiled
from apps.wfctl.report import print_report
from apps.wfctl.sources import Source, sources_in

BACKLOG = 2048


class CannotServe(Exception):
    """A document or the links cannot be used, or an address is taken."""


class BadCall(Exception):
    """What the command line asks for does not fit together."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asked for."""

    files: tuple[Path, ...]
    addresses: tuple[Address, ...]
    links: Path | None
    store: str
    is_reloading: bool
    has_console: bool
    allow_placeholders: bool = False
    has_local_brokers: bool = False
    seed: int | None = None

    def scopes(self) -> dict[str, Source]:
        """Return the name that each document is served under; one that is alone needs none.

        Raises `BadCall`, and `Unreadable` for a file that cannot be read.
        """
        if len({path.resolve() for path in self.files}) < len(self.files):
            raise BadCall("one file is named twice.")
        sources = [source for path in self.files for source in sources_in(path)]
        if len(sources) == 1 and self.links is None:
            return {LOCAL: sources[0]}
        usual = Counter(source.usual_name for source in sources)
        return {each.usual_name if usual[each.usual_name] == 1 else each.full_name: each for each in sources}


@dataclass(slots=True)
class Served:
    """One document being served; `content` is what its file held when it was compiled."""

    scope: str
    source: Source
    content: bytes
    application: Application
    encryption: Encryption | None = None

    @property
    def scheme(self) -> str:
        """How its addresses begin."""
        return "http" if self.encryption is None else "https"

    @property
    def folder(self) -> Path:
        """Where the files are that the document names."""
        return self.source.file.resolve().parent

    @property
    def label(self) -> str:
        """What its lines are marked with: its name where there are several documents."""
        return "" if self.scope == LOCAL else self.scope


def compile_file(
    scope: str, source: Source, types: Registry, *, allow_placeholders: bool
) -> tuple[Examined, Served | None]:
    """Read, check and compile one document; what is wrong is in the findings then. Raises `Unreadable`."""
    options = CheckOptions(files=True, allow_placeholders=allow_placeholders)
    examined = source.examine(types, options)
    examined, application = compiled(examined, source.file, types, allow_placeholders=allow_placeholders)
    if application is None:
        return examined, None
    made = Served(scope, source, examined.content, application)
    try:
        made.encryption = encryption_of(application.settled, made.folder)
    except BadCertificate as bad:
        told = replace(bad.finding, message=application.values.hidden_in(bad.finding.message))
        return replace(examined, findings=tuple(sorted({*examined.findings, told}))), None
    return examined, made


def documents_of(wanted: Wanted, types: Registry, terminal: Terminal) -> list[Served]:
    """Return all documents; where one cannot run, print why, and raise `CannotServe`. Raises `Unreadable`."""
    found, faulty = [], []
    for scope, source in wanted.scopes().items():
        examined, made = compile_file(scope, source, types, allow_placeholders=wanted.allow_placeholders)
        if made is None:
            faulty.append(examined)
        else:
            found.append(made)
    for examined in faulty:
        print_report(examined, terminal)
    if faulty:
        names = " and ".join(examined.name for examined in faulty)
        raise CannotServe(f"{names} cannot be served; mend what is listed above.")
    return found


def links_between(wanted: Wanted, served: Sequence[Served]) -> Linked | None:
    """Return what the links file says, None without one; raise `Unreadable`."""
    if wanted.links is None:
        return None
    return read_links(wanted.links, names_of((each.scope, each.source, each.application.document) for each in served))


def addresses_of(wanted: Wanted, served: Sequence[Served]) -> list[Address]:
    """Return where each document is to listen: as given, in order, else as it says; raise `CannotServe`, `BadCall`.

    One of several documents that names no address gets any free port of this machine.
    """
    given = wanted.addresses
    if len(given) == 1 and (len(served) == 1 or given[0].port == 0):
        return list(given) * len(served)
    if given and len(given) != len(served):
        raise BadCall(
            f"there are {len(served)} documents and {len(given)} addresses: give --address once for each, in the order "
            "of the files, or once with port 0."
        )
    try:
        usual = DEFAULT if len(served) == 1 else ANY_FREE
        return list(given) or [_named_by(each.application, usual) for each in served]
    except BadAddress as error:
        raise CannotServe(f"{error} Give another with --address.") from None


def _named_by(application: Application, usual: str) -> Address:
    """Return the address that a document names; raise `BadAddress`, without the values of secrets."""
    try:
        return address_of(application.settled, usual)
    except BadAddress:
        if application.settled.filled_at:
            raise BadAddress("What the document names, with its secrets filled in, is no address.") from None
        raise


def listen_all(addresses: Sequence[Address]) -> list[socket.socket]:
    """Take the addresses now, so that a taken one is said before anything else happens; raise `CannotServe`."""
    taken: list[socket.socket] = []
    try:
        for address in addresses:
            taken.append(_listen(address))
            if len({port_of(each) for each in taken}) < len(taken):
                raise CannotServe(f"two documents would listen on port {address.port}. Give others with --address.")
    except CannotServe:
        for each in taken:
            each.close()
        raise
    return taken


def port_of(listening: socket.socket) -> int:
    """Return the port that a socket listens on."""
    return int(listening.getsockname()[1])


def _listen(address: Address) -> socket.socket:
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(found[0], socket.SOCK_STREAM)
    except OSError as error:
        raise _taken(address, error) from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(found[4])
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise _taken(address, error) from None
    return listening


def _taken(address: Address, error: OSError) -> CannotServe:
    return CannotServe(f"cannot listen on {address}: {error.strerror or error}. Give another with --address.")
