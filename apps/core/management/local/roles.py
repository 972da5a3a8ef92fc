"""The four Postgres roles and the database, made by an administrator; running it again changes only passwords.

``owner`` owns the tables, ``app`` serves one tenant at a time, ``relay`` moves work, ``ops`` reads. None of them may
bypass row-level security, none but ``owner`` owns anything, none is a member of another.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import Connection, sql

NAMES = ("owner", "app", "relay", "ops")
SETTINGS = {
    "owner": {},
    "app": {"idle_in_transaction_session_timeout": "10s"},
    "relay": {"idle_in_transaction_session_timeout": "10s"},
    "ops": {
        "default_transaction_read_only": "on",
        "idle_in_transaction_session_timeout": "10s",
        "statement_timeout": "30s",
    },
}
VARIABLES = {
    "app": "DATABASE_URL",
    "relay": "DATABASE_RELAY_URL",
    "ops": "DATABASE_OPS_URL",
    "owner": "DATABASE_OWNER_URL",
}


@dataclass(frozen=True)
class Provisioned:
    """The URL of each role."""

    urls: Mapping[str, str]

    def environment(self) -> dict[str, str]:
        """The variables that serving processes get, and the one that only ``migrate`` gets."""
        found = {variable: self.urls[name] for name, variable in VARIABLES.items()}
        return {**found, "DATABASE_DIRECT_URL": self.urls["relay"]}


def provision(
    admin_url: str, database: str, *, prefix: str = "weft", passwords: Mapping[str, str] | None = None
) -> Provisioned:
    """Make what is missing and return the URLs."""
    chosen = {name: (passwords or {}).get(name) or secrets.token_urlsafe(24) for name in NAMES}
    with psycopg.connect(admin_url, autocommit=True) as connection:
        for name in NAMES:
            _role(connection, f"{prefix}_{name}", chosen[name], SETTINGS[name])
        _database(connection, database, f"{prefix}_owner")
    urls = {name: _url(admin_url, database, f"{prefix}_{name}", chosen[name]) for name in NAMES}
    with psycopg.connect(urls["owner"], autocommit=True) as connection:
        _rights(connection, database, prefix)
    return Provisioned(urls)


def _role(connection: Connection, role: str, password: str, settings: Mapping[str, str]) -> None:
    known = connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone()
    verb = sql.SQL("alter" if known else "create")
    connection.execute(
        sql.SQL("{} role {} login noinherit nocreatedb nocreaterole password {}").format(
            verb, sql.Identifier(role), sql.Literal(password)
        )
    )
    for name, value in settings.items():
        connection.execute(
            sql.SQL("alter role {} set {} = {}").format(sql.Identifier(role), sql.Identifier(name), sql.Literal(value))
        )


def _database(connection: Connection, database: str, owner: str) -> None:
    if connection.execute("select 1 from pg_database where datname = %s", [database]).fetchone():
        return
    name, role = sql.Identifier(database), sql.Identifier(owner)
    is_superuser = connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()
    borrowed = not (is_superuser and is_superuser[0])
    if borrowed:
        connection.execute(sql.SQL("grant {} to current_user").format(role))
    connection.execute(sql.SQL("create database {} owner {} encoding 'UTF8' template template0").format(name, role))
    if borrowed:
        connection.execute(sql.SQL("revoke {} from current_user").format(role))


def _rights(connection: Connection, database: str, prefix: str) -> None:
    """Given by the owner: connect and use, never create; temporary tables are for the group-commit writers."""
    name = sql.Identifier(database)
    serving = sql.SQL(", ").join(sql.Identifier(f"{prefix}_{role}") for role in ("app", "relay", "ops"))
    writing = sql.SQL(", ").join(sql.Identifier(f"{prefix}_{role}") for role in ("app", "relay"))
    for statement in (
        sql.SQL("revoke all on database {} from public").format(name),
        sql.SQL("grant connect on database {} to {}").format(name, serving),
        sql.SQL("grant temporary on database {} to {}").format(name, writing),
        sql.SQL("revoke all on schema public from public"),
        sql.SQL("grant usage on schema public to {}").format(serving),
    ):
        connection.execute(statement)


def read_mark(owner_url: str) -> str:
    """The mark that the database's owner has left on it: what it was last migrated to."""
    with psycopg.connect(owner_url) as connection:
        found = connection.execute(
            "select shobj_description(oid, 'pg_database') from pg_database where datname = current_database()"
        ).fetchone()
    return str(found[0] or "") if found else ""


def write_mark(owner_url: str, mark: str) -> None:
    """Leave a mark on the database, where it lives and dies with it."""
    with psycopg.connect(owner_url) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("comment on database {} is {}").format(name, sql.Literal(mark)))


def with_database(url: str, database: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{quote(database, safe='')}"))


def _url(admin_url: str, database: str, role: str, password: str) -> str:
    parts = urlsplit(with_database(admin_url, database))
    server = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(role, safe='')}:{quote(password, safe='')}@{server}"))
