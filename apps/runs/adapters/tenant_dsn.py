"""What a tenant's Postgres DSN may say, and what libpq must not find out by itself.

libpq fills in what a DSN leaves out from the process: `PGPASSWORD` and the like, `~/.pgpass`, client certificates, a
Kerberos ticket. Those are the product's, and a tenant's server would only have to ask for them. So everything that
has such a source is given here, and parameters that name files or services of this machine are refused.
"""

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from apps.engine.outcome import StepFailed

CODE = "database.dsn"
USUAL_PORT = 5432
HIGHEST_PORT = 65_535
NO_FILE = "/nonexistent/weft"  # where libpq looks for a file and finds none, instead of in its user's home
SYSTEM_ROOTS = "system"
SAID = frozenset(
    {
        "application_name",
        "channel_binding",
        "client_encoding",
        "connect_timeout",
        "dbname",
        "host",
        "options",
        "password",
        "port",
        "sslmode",
        "sslnegotiation",
        "target_session_attrs",
        "user",
    }
)
KEPT = ("application_name", "channel_binding", "client_encoding", "sslmode", "sslnegotiation", "target_session_attrs")


def parameters_of(dsn: str) -> dict[str, Any]:
    """Return every parameter of a connection but its address: one host, one port, nothing of this process.

    Raises `StepFailed` code `database.dsn` for a DSN that is none, that names a file, a service or a socket of this
    machine, several hosts, or no user.
    """
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError as error:
        raise StepFailed("The DSN is not understood.", code=CODE) from error
    system = parts.pop("sslrootcert", SYSTEM_ROOTS) == SYSTEM_ROOTS
    refused = sorted(set(parts) - SAID) if system else ["sslrootcert"]
    if refused:
        raise StepFailed(f"A DSN may not set {', '.join(refused)} here.", code=CODE)
    host, user = str(parts.get("host") or "localhost"), str(parts.get("user") or "")
    if "/" in host or "," in host or host.startswith("@"):
        raise StepFailed("A DSN names one host by its name or address.", code=CODE)
    if not user:
        raise StepFailed("The DSN names no user.", code=CODE)
    verified = parts.get("sslmode") == "verify-full"
    return {
        **{name: parts[name] for name in KEPT if name in parts},
        "host": host,
        "port": _port(str(parts.get("port") or USUAL_PORT)),
        "user": user,
        "password": str(parts.get("password") or ""),
        "dbname": str(parts.get("dbname") or user),
        "passfile": NO_FILE,
        "sslcert": NO_FILE,
        "sslkey": NO_FILE,
        "sslcrl": NO_FILE,
        "sslrootcert": SYSTEM_ROOTS if verified else NO_FILE,
        "gssencmode": "disable",
        "require_auth": "!gss,!sspi",
    }


def _port(said: str) -> int:
    if not said.isascii() or not said.isdigit() or not 0 < int(said[:6]) <= HIGHEST_PORT:
        raise StepFailed("A DSN names one port.", code=CODE)
    return int(said)
