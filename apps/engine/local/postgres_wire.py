"""A connection to the Postgres server that a DSN names, for `wfctl run`; encrypted as its `sslmode` says."""

import socket
import ssl
import struct
from contextlib import suppress
from pathlib import Path

from apps.engine.local.postgres_dsn import SYSTEM_ROOTS, PostgresAddress
from apps.engine.outcome import StepFailed, TryAgain

CONNECT_SECONDS = 5.0
ASK_FOR_TLS = struct.pack("!ii", 8, 80_877_103)
SPEAKS_TLS = b"S"


def connected(address: PostgresAddress, folder: Path | None, seconds: float) -> socket.socket:
    """Connect; every later read or write may take so many seconds.

    `folder` is where a certificate's file is looked for. Raises `TryAgain` code `database.busy` when nobody is there or
    who is there is not to be trusted.
    """
    try:
        raw = _opened(address)
    except (OSError, UnicodeError) as error:
        raise TryAgain(f"The database does not answer: {type(error).__name__}", code="database.busy") from None
    try:
        if address.socket_path is None and address.tls != "disable":
            raw = _secured(raw, address, folder)
        raw.settimeout(seconds)
    except OSError as error:
        raw.close()
        raise TryAgain(f"The database does not answer: {type(error).__name__}", code="database.busy") from None
    except BaseException:
        raw.close()
        raise
    return raw


def _opened(address: PostgresAddress) -> socket.socket:
    path = address.socket_path
    if path is None:
        return socket.create_connection((address.host, address.port), CONNECT_SECONDS)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.settimeout(CONNECT_SECONDS)
    try:
        made.connect(path)
    except OSError:
        made.close()
        raise
    return made


def _secured(raw: socket.socket, address: PostgresAddress, folder: Path | None) -> socket.socket:
    raw.sendall(ASK_FOR_TLS)
    if raw.recv(1) == SPEAKS_TLS:
        return _context(address, folder).wrap_socket(raw, server_hostname=address.host)
    if address.tls not in ("allow", "prefer"):
        raise TryAgain("The database does not answer: it speaks no TLS.", code="database.busy")
    return raw


def _context(address: PostgresAddress, folder: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = address.tls == "verify-full"
    if not address.tls.startswith("verify"):
        context.verify_mode = ssl.CERT_NONE
    elif address.roots != SYSTEM_ROOTS:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = address.tls == "verify-full"
        try:
            context.load_verify_locations((folder or Path()) / address.roots)
        except OSError:
            raise StepFailed("The DSN's sslrootcert cannot be read.", code="database.dsn") from None
    return context


def hung_up(raw: socket.socket) -> None:
    """End a connection whatever it is waiting for."""
    with suppress(OSError):
        raw.shutdown(socket.SHUT_RDWR)
