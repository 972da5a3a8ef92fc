"""What a serving process refuses to start with: a database role or table that would let one tenant see another."""

from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from django.conf import settings
from django.core import checks
from django.db import connections

from apps.core.tenant_table import role

# Connections that a process opens beside its pools, at the most: one line per holder.
WRITERS = {"group writer": 2, "grouped creates": 2, "changes": 1}
INLINE = {"app": 2, "relay": 1, "group writer": 2, "grouped creates": 2}  # units of work for the API and the portal
OPERATORS = 2  # the pool of Django's alias ops
BEAT = 2
SPARE = 10  # left to administrators and to checks like this one


class UnsafeDatabase(Exception):
    """The database would not keep tenants apart; the message lists every reason."""


Reason = tuple[str, str]
Rows = list[tuple[Any, ...]]

ROLE = """
select current_user, r.rolsuper, r.rolbypassrls,
    array(select other.rolname from pg_roles other
        where other.rolname <> current_user and pg_has_role(current_user, other.oid, 'MEMBER')),
    exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relowner = r.oid and n.nspname not like 'pg\\_%%')
from pg_roles r where r.rolname = current_user
"""

TABLES = """
select c.relname, c.relrowsecurity, c.relforcerowsecurity,
    exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'app')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition
    and (c.relname = 'tenants_tenant' or (c.relname <> 'tenant_directory' and exists (
        select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped)))
order by c.relname
"""

PARTITION_GRANTS = """
select c.relname, g.grantee::regrole::text from pg_class c join pg_namespace n on n.oid = c.relnamespace,
    aclexplode(c.relacl) g
where n.nspname = 'public' and c.relispartition and g.grantee <> c.relowner order by 1, 2
"""


def refuse_unsafe_database(*, processes: int = 1) -> None:
    """Raise `UnsafeDatabase` unless the serving roles and all tenant tables are as they must be.

    Called by every serving process before it takes work: web, worker, beat. `processes` counts those of each kind.
    """
    reasons = unsafe_reasons(processes=processes)
    if reasons:
        raise UnsafeDatabase("; ".join(text for _, text in reasons))


def unsafe_reasons(*, processes: int = 1) -> list[Reason]:
    """Return (code, sentence) for everything that is wrong; empty when it is safe to serve."""
    reasons: list[Reason] = []
    if settings.DATABASE_OWNER_URL:
        reasons.append(("owner-url", "DATABASE_OWNER_URL is set: it is for migrate and provision only"))
    for url_name in ("DATABASE_URL", "DATABASE_RELAY_URL"):
        reasons += _role_reasons(url_name, _asking(url_name))
    ask = _asking("DATABASE_URL")
    reasons += _table_reasons(ask)
    reasons += _pool_reasons(ask, processes)
    reasons += _clock_reasons(ask)
    return reasons


def check_database(app_configs: Sequence[Any] | None, **options: Any) -> list[checks.CheckMessage]:
    """Report the same reasons from `manage.py check --deploy`."""
    return [checks.Error(text, id=f"weft.database.{code}") for code, text in unsafe_reasons()]


Ask = Callable[[str], Rows]


def _asking(url_name: str) -> Ask:
    if url_name == "DATABASE_URL":
        return _ask_django

    def ask(statement: str) -> Rows:
        with psycopg.connect(getattr(settings, url_name)) as connection:
            return connection.execute(statement.replace("%%", "%").encode()).fetchall()

    return ask


def _ask_django(statement: str) -> Rows:
    with connections["default"].cursor() as cursor:
        cursor.execute(statement.replace("%%", "%"))
        return list(cursor.fetchall())


def _role_reasons(url_name: str, ask: Ask) -> list[Reason]:
    (name, is_super, bypasses, member_of, owns) = ask(ROLE)[0]
    found: list[Reason] = []
    if name == role("owner") or owns:
        found.append(("owner", f"{url_name}: role {name} owns tables"))
    if is_super or bypasses:
        found.append(("bypass", f"{url_name}: role {name} is above row-level security"))
    if member_of:
        found.append(("member", f"{url_name}: role {name} can become {', '.join(sorted(member_of))}"))
    return found


def _table_reasons(ask: Ask) -> list[Reason]:
    found: list[Reason] = []
    for table, enabled, forced, has_policy in ask(TABLES):
        missing = [
            word for word, there in (("ENABLE", enabled), ("FORCE", forced), ("a policy", has_policy)) if not there
        ]
        if missing:
            found.append(("table", f"table {table} lacks {' and '.join(missing)}"))
    found += [
        ("partition", f"partition {table} is granted to {grantee}; grants go to parents only")
        for table, grantee in ask(PARTITION_GRANTS)
    ]
    return found


def _pool_reasons(ask: Ask, processes: int) -> list[Reason]:
    allowed = int(ask("show max_connections")[0][0]) - SPARE
    wanted = connections_wanted(processes)
    if wanted <= allowed:
        return []
    return [("pools", f"the processes may open {wanted} connections; the server leaves {allowed}")]


def connections_wanted(processes: int = 1) -> int:
    """Return how many connections that many web processes, as many workers and one beat may hold at the same time."""
    django = settings.DATABASE_POOL_APP
    pools = settings.DATABASE_POOL_APP + settings.DATABASE_POOL_RELAY + sum(WRITERS.values())
    web = django + OPERATORS + pools + sum(INLINE.values())
    worker = django + pools + _sweeps()
    return processes * (web + worker) + BEAT


def _sweeps() -> int:
    """Every thread of Celery may be at a sweep, and the worker's loop at one more."""
    return int(settings.CELERY_WORKER_CONCURRENCY) + 1


def _clock_reasons(ask: Ask) -> list[Reason]:
    offset = ask("select current_setting('app.clock_offset', true)")[0][0]
    if not offset or getattr(settings, "TESTING", False):
        return []
    return [("clock", "app.clock_offset is set: it is for tests only")]
