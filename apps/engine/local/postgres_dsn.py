"""What the DSN of a Postgres database says, for `wfctl run`: an address of libpq's, and nothing of the environment.

`postgres://user:password@host:port/database?name=value` and `host=... user=...` are read, as libpq reads both. What it
would fill in from the process (`PGPASSWORD`, `~/.pgpass`, `PGHOST` and their like) is filled in from nowhere, as in the
hosted product (`runs/adapters/tenant_dsn.py`); sockets and certificates of this machine may be named here.
"""

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args
from urllib.parse import unquote, urlsplit

from apps.engine.outcome import StepFailed

CODE = "database.dsn"
USUAL_PORT = 5432
HIGHEST_PORT = 65_535
LONGEST = 8_192
SYSTEM_ROOTS = "system"
TlsMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
PAIR = re.compile(r"\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|\Z)")
FREE = frozenset(
    {
        "application_name",
        "client_encoding",
        "connect_timeout",
        "dbname",
        "host",
        "options",
        "password",
        "port",
        "sslmode",
        "sslrootcert",
        "user",
    }
)
# Settings that are accepted as long as they ask for what is done anyway.
FIXED = {
    "channel_binding": ("prefer", "disable"),
    "sslnegotiation": ("postgres",),
    "target_session_attrs": ("any",),
}


@dataclass(frozen=True)
class PostgresAddress:
    """One server, and as whom to speak to it; `host` is a folder where the server has a socket of this machine."""

    host: str
    port: int
    user: str
    password: str | None
    database: str
    application: str | None
    tls: TlsMode
    roots: str

    @property
    def socket_path(self) -> str | None:
        """Return the socket of this machine; None for a server of the network."""
        return f"{self.host}/.s.PGSQL.{self.port}" if self.host.startswith("/") else None


def address_in(dsn: str) -> PostgresAddress:
    """Read a DSN.

    Raises `StepFailed` code `database.dsn` for one that is none, that names several hosts or no user, or that asks for
    what is not done here. Encoding, options and how long to wait for a connection are the host's, as in the hosted
    product. What a DSN says is never repeated: passwords stand in it.
    """
    said = _read(dsn)
    for name, value in said.items():
        if name not in FREE and value.lower() not in FIXED.get(name, ()):
            raise StepFailed(f"A DSN may not set {name} this way here.", code=CODE)
    host, user, mode = said.get("host") or "localhost", said.get("user", ""), said.get("sslmode") or "prefer"
    if "," in host or host.startswith("@"):
        raise StepFailed("A DSN names one host by its name, its address, or the folder of its socket.", code=CODE)
    if not user:
        raise StepFailed("The DSN names no user.", code=CODE)
    if mode not in get_args(TlsMode):
        raise StepFailed(f"The sslmode of a DSN is one of {', '.join(get_args(TlsMode))}.", code=CODE)
    return PostgresAddress(
        host=host,
        port=_port(said.get("port") or str(USUAL_PORT)),
        user=user,
        password=said.get("password") or None,
        database=said.get("dbname") or user,
        application=said.get("application_name") or None,
        tls=cast("TlsMode", mode),
        roots=said.get("sslrootcert") or SYSTEM_ROOTS,
    )


def _read(dsn: str) -> dict[str, str]:
    if len(dsn) > LONGEST or "\0" in dsn:
        raise StepFailed("The DSN is not understood.", code=CODE)
    try:
        return _of_url(dsn) if dsn.startswith(("postgres://", "postgresql://")) else _of_pairs(dsn)
    except ValueError:
        raise StepFailed("The DSN is not understood.", code=CODE) from None


def _of_url(dsn: str) -> dict[str, str]:
    parts = urlsplit(dsn)
    who, _, where = parts.netloc.rpartition("@")
    user, _, password = who.partition(":")
    host, _, port = where.rpartition(":") if re.search(r":[^\]:]*\Z", where) else (where, "", "")
    said = {"user": user, "password": password, "host": host.strip("[]"), "port": port, "dbname": parts.path[1:]}
    for pair in filter(None, parts.query.split("&")):
        name, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(name)
        said[name] = value
    return {unquote(name): unquote(value, errors="strict") for name, value in said.items() if value}


def _of_pairs(dsn: str) -> dict[str, str]:
    said, at = {}, 0
    text = dsn.strip()
    while at < len(text):
        found = PAIR.match(text, at)
        if found is None:
            raise ValueError(at)
        value = found[2] if found[2] is not None else found[3]
        said[found[1]] = re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL)
        at = found.end()
    if not said:
        raise ValueError(dsn)
    return said


def _port(said: str) -> int:
    if not said.isascii() or not said.isdigit() or not 0 < int(said[:6]) <= HIGHEST_PORT:
        raise StepFailed("A DSN names one port.", code=CODE)
    return int(said)
