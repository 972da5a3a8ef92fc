"""Every table of the database, asked in the name of another tenant, of nobody, and past its parent."""

from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg import errors, sql

from apps.core.scope import NO_TENANT, RELAY_SCOPE_SQL, SCOPE_SQL
from apps.engine.ids import uuid7
from tests.support.database import PREFIX, TestDatabase
from tests.support.isolation import Sweep

RELATIONS = """
select c.relname, c.relispartition,
    coalesce((select a.attname from pg_attribute a where a.attrelid = c.oid and not a.attisdropped
        and a.attname = 'tenant_id' and c.relname <> 'tenant_directory'),
        case when c.relname = 'tenants_tenant' then 'id' end) as tenant_column
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_'
order by c.relname
"""
GRANTS = """
select grantee, privilege_type from information_schema.role_table_grants
where table_name = %s and grantee <> %s
"""
Setting = tuple[str, list[str]]
Statement = tuple[sql.Composed, list[object]]


@dataclass(frozen=True)
class Relation:
    """A table or partition; `tenant_column` is None when its rows belong to no tenant."""

    name: str
    is_partition: bool
    tenant_column: str | None


def relations(database: TestDatabase) -> list[Relation]:
    """List every table of the database, partitions included."""
    with psycopg.connect(database.superuser_url) as admin:
        return [Relation(*found) for found in admin.execute(RELATIONS).fetchall()]


class Witness:
    """Looks at all rows of one tenant, as superuser, so that a change anywhere is seen."""

    def __init__(self, database: TestDatabase, tenant_id: UUID) -> None:
        self._connection = psycopg.connect(database.superuser_url, autocommit=True)
        one = sql.SQL(
            "select {name}, count(*), coalesce(md5(string_agg(t::text, '|' order by t::text)), '') "
            "from {table} t where {column} = {tenant}"
        )
        tables = [found for found in relations(database) if found.tenant_column and not found.is_partition]
        self._query = sql.SQL(" union all ").join(
            one.format(
                name=sql.Literal(found.name),
                table=sql.Identifier(found.name),
                column=sql.Identifier(str(found.tenant_column)),
                tenant=sql.Literal(str(tenant_id)),
            )
            for found in tables
        )
        self.seen = self._look()

    def filled(self, table: str) -> bool:
        """Say whether the tenant had a row in the table when last looked at."""
        return self.seen[table][0] > 0

    def changed(self) -> list[str]:
        """Look again and return the tables whose rows are not as they were."""
        before, self.seen = self.seen, self._look()
        return [table for table, found in self.seen.items() if found != before[table]]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _look(self) -> dict[str, tuple[int, str]]:
        return {name: (count, digest) for name, count, digest in self._connection.execute(self._query).fetchall()}


def sweep_tables(database: TestDatabase, a: UUID, b: UUID, only: Collection[str] = (), user: UUID = NO_TENANT) -> Sweep:
    """Try to reach the rows of tenant `a` as tenant `b`, table by table; `user` is somebody who belongs to both."""
    sweep = Sweep("tables")
    with closing(Witness(database, a)) as witness:
        _sweep_relations(database, (a, b, user), only, sweep, witness)
        sweep.breaches += [f"{name}: rows of A have changed" for name in witness.changed()]
    return sweep


def _sweep_relations(
    database: TestDatabase, who: tuple[UUID, UUID, UUID], only: Collection[str], sweep: Sweep, witness: Witness
) -> None:
    for relation in relations(database):
        if only and relation.name not in only:
            continue
        if relation.is_partition:
            sweep.count += 1
            _partition(database, relation, sweep)
        elif relation.tenant_column:
            sweep.count += 1
            if not witness.filled(relation.name):
                sweep.uncovered.append(f"table {relation.name} holds no row of A: add it to tests/support/examples")
            else:
                _Attack(database, relation, who, sweep).run()


def _partition(database: TestDatabase, relation: Relation, sweep: Sweep) -> None:
    """A partition does not inherit row-level security, so nobody but the owner may have any right on it."""
    with psycopg.connect(database.superuser_url) as admin:
        owner = f"{PREFIX}_owner"
        found = [row for row in admin.execute(GRANTS, [relation.name, owner]).fetchall() if row[0] != "postgres"]
    sweep.breaches += [f"{relation.name}: {privilege} granted to {role}" for role, privilege in found]


class _Attack:
    """All attempts on one table."""

    def __init__(self, database: TestDatabase, relation: Relation, who: tuple[UUID, UUID, UUID], sweep: Sweep) -> None:
        self.database, self.relation, self.sweep = database, relation, sweep
        self.a, self.b, self.user = who
        self.names = {"table": sql.Identifier(relation.name), "tenant": sql.Identifier(str(relation.tenant_column))}

    def run(self) -> None:
        """Attack as each serving role."""
        self._as_app_of_b()
        self._as_app_without_scope()
        self._as_relay()
        self._as_ops()

    def _as_app_of_b(self) -> None:
        scope = (SCOPE_SQL, [str(self.b), str(self.user)])
        self._touches_nothing("app", scope, "select from {table} where {tenant} = %s")
        self._touches_nothing("app", scope, "update {table} set {tenant} = {tenant} where {tenant} = %s")
        self._touches_nothing("app", scope, "delete from {table} where {tenant} = %s")
        self._is_refused("app", scope, self._insert())
        self._is_refused("app", scope, (self._sql("truncate {table}"), []))

    def _as_app_without_scope(self) -> None:
        for scope in (None, (SCOPE_SQL, ["", ""])):
            self._is_refused("app", scope, (self._sql("select from {table}"), []))

    def _as_relay(self) -> None:
        if not self._readable("relay"):
            return
        if self._policy_is_open("relay"):
            return
        scope = (RELAY_SCOPE_SQL, [f"{{{self.b}}}"])
        self._touches_nothing("relay", scope, "select from {table} where {tenant} = %s")
        self._touches_nothing("relay", scope, "update {table} set {tenant} = {tenant} where {tenant} = %s")
        self._touches_nothing("relay", scope, "delete from {table} where {tenant} = %s")
        self._is_refused("relay", scope, self._insert())
        self._is_refused("relay", None, (self._sql("select from {table}"), []))

    def _as_ops(self) -> None:
        for statement in ("update {table} set {tenant} = {tenant}", "delete from {table}"):
            self._is_refused("ops", None, (self._sql(statement), []))

    def _sql(self, text: str) -> sql.Composed:
        return sql.SQL(text).format(**self.names)

    def _insert(self) -> Statement:
        """A copy of a row of A under a new id."""
        with psycopg.connect(self.database.superuser_url) as admin:
            query = self._sql("select to_jsonb(t)::text from {table} t where {tenant} = %s limit 1")
            found = admin.execute(query, [self.a]).fetchone()
        copied = found[0] if found else "{}"
        change = "" if self.relation.tenant_column == "id" else " || jsonb_build_object('id', %s::text)"
        insert = f"insert into {{table}} select (jsonb_populate_record(null::{{table}}, %s::jsonb{change})).*"
        return self._sql(insert), [copied, *([str(uuid7())] if change else [])]

    def _touches_nothing(self, role: str, scope: Setting, statement: str) -> None:
        """Run a statement aimed at rows of A: it must find none, or not be allowed at all."""
        with psycopg.connect(self.database.url(role)) as connection:
            connection.execute(*scope)
            try:
                touched = connection.execute(self._sql(statement), [self.a]).rowcount
            except errors.InsufficientPrivilege:
                touched = 0
            connection.rollback()
        if touched:
            self.sweep.breaches.append(f"{self.relation.name}: {role} in B's scope touched {touched} of A: {statement}")

    def _is_refused(self, role: str, scope: Setting | None, statement: Statement) -> None:
        """Run a statement that the database must refuse: by right, by policy, or because no scope is set."""
        refusals = (errors.InsufficientPrivilege, errors.UndefinedObject, errors.InvalidTextRepresentation)
        with psycopg.connect(self.database.url(role)) as connection:
            if scope:
                connection.execute(*scope)
            try:
                connection.execute(*statement)
            except refusals:
                return
            except psycopg.Error as other:
                self.sweep.breaches.append(f"{self.relation.name}: {role} was stopped only by {other!r}")
                return
            finally:
                connection.rollback()
        text = statement[0].as_string(None)
        self.sweep.breaches.append(f"{self.relation.name}: {role} was not refused: {text}")

    def _readable(self, role: str) -> bool:
        with psycopg.connect(self.database.superuser_url) as admin:
            query = "select has_any_column_privilege(%s, %s, 'select')"
            return bool(admin.execute(query, [f"{PREFIX}_{role}", self.relation.name]).fetchone()[0])

    def _policy_is_open(self, role: str) -> bool:
        """Queue tables hold ids, keys, times and leases; the relay sees them across tenants by design."""
        with psycopg.connect(self.database.superuser_url) as admin:
            query = "select qual from pg_policies where tablename = %s and policyname = %s"
            found = admin.execute(query, [self.relation.name, role]).fetchone()
        return bool(found) and found[0] == "true"
