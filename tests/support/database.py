"""The test database: migrated once as `owner` into a template, copied for each pytest process, served as `app`.

Tests really commit and nothing is truncated: every test makes tenants of its own. Roles are cluster-wide, so they
carry a prefix of their own and fixed passwords.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import django
import django_celery_beat
import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg import sql

from config.settings.database import database

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "weft_test"
PASSWORD = "only-for-tests"
CAN_WEAKEN = 160_000
ROLES = ("owner", "app", "relay", "ops")
LOCK = 7_316_001
ALIASES = {"default": "app", "ops": "ops"}
POOL = {"min_size": 0, "max_size": 40, "timeout": 10}
CLONE = re.compile(r"weft_clone_(\d+)_[0-9a-f]+")


class NoServer(Exception):
    """The tests were started without a Postgres server."""


@dataclass(frozen=True)
class TestDatabase:
    """One process's copy of the template, by the URL of each role."""

    __test__ = False

    name: str
    admin_url: str

    def url(self, role: str) -> str:
        """Return the URL of `owner`, `app`, `relay` or `ops`."""
        parts = urlsplit(self.admin_url)
        netloc = f"{PREFIX}_{role}:{PASSWORD}@{parts.hostname}:{parts.port or 5432}"
        return urlunsplit(("postgresql", netloc, f"/{self.name}", "", ""))

    @property
    def superuser_url(self) -> str:
        """Return the superuser's URL of this database, for looking at what no serving role may see."""
        return urlunsplit(urlsplit(self.admin_url)._replace(path=f"/{self.name}"))

    def environment(self) -> dict[str, str]:
        """Return the variables that a serving process needs to use this database."""
        return {
            "DATABASE_URL": self.url("app"),
            "DATABASE_RELAY_URL": self.url("relay"),
            "DATABASE_OPS_URL": self.url("ops"),
            "DATABASE_DIRECT_URL": self.url("relay"),
        }


@contextmanager
def test_database() -> Iterator[TestDatabase]:
    """Make the copy, point Django at it, and drop it at the end."""
    settings.WEFT_ROLE_PREFIX = PREFIX
    admin_url = os.environ.get("WEFT_TEST_ADMIN_URL", "")
    if not admin_url:
        raise NoServer("WEFT_TEST_ADMIN_URL names no server; `manage.py test` starts one and sets it")
    made = TestDatabase(f"weft_clone_{os.getpid()}_{os.urandom(3).hex()}", admin_url)
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("select pg_advisory_lock(%s)", [LOCK])
        _make_roles(admin)
        _drop_abandoned(admin)
        template = _make_template(admin, admin_url)
        admin.execute(
            sql.SQL("create database {} template {} owner {}").format(
                sql.Identifier(made.name), sql.Identifier(template), sql.Identifier(f"{PREFIX}_owner")
            )
        )
    try:
        point_django_at(made)
        yield made
    finally:
        close_connections()
        with psycopg.connect(admin_url, autocommit=True) as admin:
            admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(made.name)))


def point_django_at(made: TestDatabase) -> None:
    """Set the connections and every URL setting; pooled as the product's own, or each thread's would be a new one."""
    _set_connections({alias: database(made.url(role), pool=POOL) for alias, role in ALIASES.items()})
    for name, value in made.environment().items():
        setattr(settings, name, value)
    settings.DATABASE_OWNER_URL = ""


def waiting_for_locks(connection: psycopg.Connection) -> int:
    """Count the sessions that wait for somebody; the view of sessions would not change inside a transaction."""
    return connection.execute("select count(distinct pid) from pg_locks where not granted").fetchone()[0]


def close_connections() -> None:
    """Close this thread's connections and those that wait in the pools of all threads."""
    connections.close_all()
    while DatabaseWrapper._connection_pools:
        DatabaseWrapper._connection_pools.popitem()[1].close()


def _set_connections(databases: dict[str, dict[str, object]]) -> None:
    close_connections()
    configured = connections.configure_settings({"default": {}} | databases)
    for alias in databases:
        connections.settings[alias] = configured[alias]
        if hasattr(connections._connections, alias):
            delattr(connections._connections, alias)


def _make_roles(admin: psycopg.Connection) -> None:
    known = {row[0] for row in admin.execute("select rolname from pg_roles").fetchall()}
    if admin.info.server_version >= CAN_WEAKEN:
        admin.execute("set scram_iterations = 1")  # every client computes them for every connection
    for role in ROLES:
        name = sql.Identifier(f"{PREFIX}_{role}")
        if f"{PREFIX}_{role}" not in known:
            admin.execute(
                sql.SQL("create role {} login nosuperuser nobypassrls nocreatedb nocreaterole password {}").format(
                    name, sql.Literal(PASSWORD)
                )
            )
        if role in {"app", "relay"}:
            admin.execute(sql.SQL("alter role {} set idle_in_transaction_session_timeout = '10s'").format(name))


def _drop_abandoned(admin: psycopg.Connection) -> None:
    for (name,) in admin.execute("select datname from pg_database where datname like 'weft\\_clone\\_%'").fetchall():
        found = CLONE.fullmatch(name)
        if found and not Path(f"/proc/{found[1]}").exists():
            admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def _make_template(admin: psycopg.Connection, admin_url: str) -> str:
    name = f"weft_template_{_fingerprint()}"
    ready = admin.execute("select datistemplate from pg_database where datname = %s", [name]).fetchone()
    if ready and ready[0]:
        return name
    identifier = sql.Identifier(name)
    admin.execute(sql.SQL("drop database if exists {} with (force)").format(identifier))
    admin.execute(sql.SQL("create database {} owner {}").format(identifier, sql.Identifier(f"{PREFIX}_owner")))
    _set_connections({"owner": database(TestDatabase(name, admin_url).url("owner"))})
    try:
        call_command("migrate", database="owner", verbosity=0, interactive=False, skip_checks=True)
    finally:
        connections["owner"].close()
        del connections.settings["owner"]
    admin.execute(sql.SQL("alter database {} is_template true allow_connections false").format(identifier))
    return name


def _fingerprint() -> str:
    files = sorted([*ROOT.glob("apps/*/migrations/*.py"), ROOT / "apps/core/tenant_table.py"])
    made_of = [PREFIX, django.__version__, django_celery_beat.__version__, *settings.INSTALLED_APPS]
    digest = hashlib.sha256(" ".join(made_of).encode())
    for file in files:
        digest.update(f"{file.relative_to(ROOT)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
