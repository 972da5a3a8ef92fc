"""Migration operations that make a table safe to share between tenants; nothing else writes policies or grants.

`TenantTable` shuts a table by row-level security (ENABLE and FORCE, so that not even its owner is above it), opens it
to each role exactly as far as that role's work needs, and writes references that include the tenant.
`GlobalTable` grants access to one of the few tables without a tenant. `PartitionedTable` splits a new table by day.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from apps.core.scope import NO_TENANT

ALL = "select, insert, update, delete"
RELAY_TEST = {
    "queue": "true",
    "tenants": "{column} = any((select current_setting('app.tenants')::uuid[])::uuid[])",
}


def role(name: str) -> str:
    """Return the database role `owner`, `app`, `relay` or `ops` under this installation's prefix."""
    return f"{getattr(settings, 'WEFT_ROLE_PREFIX', 'weft')}_{name}"


class _TableOperation(Operation):
    """Acts on the table of a model of the migrating app; undoing is left to dropping the table."""

    reversible = True
    reduces_to_sql = True

    def __init__(self, model: str) -> None:
        self.model = model

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Policies and partitions are not part of Django's picture of the models."""

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Nothing to do: policies and grants go with the table."""

    def describe(self) -> str:
        """Say what the migration does, for `migrate --plan`."""
        return f"{type(self).__name__} {self.model}"


class TenantTable(_TableOperation):
    """Shut the table of `model` and open it per role.

    `app` and `relay_grants` are the privileges of those roles; `relay` is None (no access), "queue" (rows of every
    tenant: for tables of ids, keys, times and leases) or "tenants" (rows of the tenants in `app.tenants`).
    `references` maps each `TenantForeignKey` to its "app.Model". `ops_hidden` columns are not shown to operators.
    `own_rows` names a column that opens a row for reading to the user it names while no tenant is chosen (`NO_TENANT`);
    inside a tenant it opens nothing, or lists of the tenant would show rows of others.
    """

    def __init__(
        self,
        model: str,
        *,
        relay: str | None = None,
        app: str = ALL,
        relay_grants: str = ALL,
        references: Mapping[str, str] | None = None,
        tenant_column: str = "tenant_id",
        ops_hidden: Sequence[str] = (),
        own_rows: str | None = None,
    ) -> None:
        super().__init__(model)
        self.relay = relay
        self.app = app
        self.relay_grants = relay_grants
        self.references = dict(references or {})
        self.tenant_column = tenant_column
        self.ops_hidden = tuple(ops_hidden)
        self.own_rows = own_rows

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Write security, policies, grants and references."""
        model = to_state.apps.get_model(app_label, self.model)
        table = model._meta.db_table
        columns = [field.column for field in model._meta.local_fields if field.column]
        statements = [
            f'alter table "{table}" enable row level security, force row level security',
            *self._policies(table),
            *_grants(table, columns, self.app, self.relay_grants if self.relay else "", self.ops_hidden),
        ]
        for name, target in self.references.items():
            statements += _reference(table, model._meta.get_field(name), to_state.apps.get_model(target))
        for statement in statements:
            schema_editor.execute(statement)

    def _policies(self, table: str) -> list[str]:
        column = f'"{self.tenant_column}"'
        mine = f"{column} = (select current_setting('app.tenant')::uuid)"
        policies = [
            f'create policy app on "{table}" to {role("app")} using ({mine}) with check ({mine})',
            f'create policy owner on "{table}" to {role("owner")} using (true) with check (true)',
            f'create policy ops on "{table}" for select to {role("ops")} using (true)',
        ]
        if self.relay:
            test = RELAY_TEST[self.relay].format(column=column)
            policies.append(f'create policy relay on "{table}" to {role("relay")} using ({test}) with check ({test})')
        if self.own_rows:
            mine = f"\"{self.own_rows}\" = (select current_setting('app.user')::uuid)"
            nowhere = f"(select current_setting('app.tenant')) = '{NO_TENANT}'"
            policies.append(f'create policy own on "{table}" for select to {role("app")} using ({mine} and {nowhere})')
        return policies


class GlobalTable(Operation):
    """Grant access to a table without a tenant; `ops` is all columns but `ops_hidden`."""

    reversible = True
    reduces_to_sql = True

    def __init__(
        self,
        table: str,
        *,
        app: str = "select",
        relay: str | None = None,
        ops: bool = True,
        ops_hidden: Sequence[str] = (),
    ) -> None:
        self.table = table
        self.app = app
        self.relay = relay
        self.ops = ops
        self.ops_hidden = tuple(ops_hidden)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Grants are not part of Django's picture of the models."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Write the grants, and those of the sequence behind a serial id."""
        with schema_editor.connection.cursor() as cursor:
            description = schema_editor.connection.introspection.get_table_description(cursor, self.table)
            cursor.execute("select pg_get_serial_sequence(%s, 'id') where to_regclass(%s) is not null and exists "
                           "(select from pg_attribute where attrelid = to_regclass(%s) and attname = 'id')",
                           [self.table, self.table, self.table])  # fmt: skip
            sequences = [row[0] for row in cursor.fetchall() if row[0]]
        columns = [column.name for column in description]
        hidden = self.ops_hidden if self.ops else tuple(columns)
        for statement in _grants(self.table, columns, self.app, self.relay or "", hidden):
            schema_editor.execute(statement)
        for sequence in sequences if "insert" in self.app else []:
            schema_editor.execute(f"grant usage on sequence {sequence} to {role('app')}")

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Take the grants back."""
        roles = ", ".join(role(name) for name in ("app", "relay", "ops"))
        schema_editor.execute(f'revoke all on "{self.table}" from {roles}')

    def describe(self) -> str:
        """Say what the migration does, for `migrate --plan`."""
        return f"GlobalTable {self.table}"


class PartitionedTable(_TableOperation):
    """Split the freshly created, empty table of `model` by day of its UUIDv7 `id`; put it before `TenantTable`.

    A default partition catches ids outside the days made so far. The functions `weft_partitions_ensure` and
    `weft_partitions_drop` (migration core 0001) do the rest.
    """

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Make the table again, split; deferred indexes still find it by its name."""
        model = to_state.apps.get_model(app_label, self.model)
        table = model._meta.db_table
        deferred = list(schema_editor.deferred_sql)
        schema_editor.execute(f'drop table "{table}"')
        sql, params = schema_editor.table_sql(model)
        schema_editor.deferred_sql[:] = deferred
        schema_editor.execute(f"{sql} partition by range (id)", params or None)
        schema_editor.execute(f'create table "{table}_default" partition of "{table}" default')
        schema_editor.execute("select weft_partitions_ensure(7)")


def _grants(table: str, columns: Sequence[str], app: str, relay: str, ops_hidden: Sequence[str]) -> list[str]:
    """Return the grants of the three serving roles; operators get the columns that are not hidden, nobody TRUNCATE."""
    statements = [f'grant {app} on "{table}" to {role("app")}'] if app else []
    if relay:
        statements.append(f'grant {relay} on "{table}" to {role("relay")}')
    shown = [column for column in columns if column not in ops_hidden]
    if shown:
        listed = ", ".join(f'"{column}"' for column in shown)
        what = f"select ({listed})" if ops_hidden else "select"
        statements.append(f'grant {what} on "{table}" to {role("ops")}')
    return statements


def _reference(table: str, field: Any, target: type[models.Model]) -> list[str]:
    """Return the statements for a reference that includes the tenant, and the unique key that it points at."""
    other = target._meta.db_table
    key = f"{other}_tenant_id_id_key"
    delete = {models.CASCADE: " on delete cascade"}.get(field.remote_field.on_delete, "")
    if field.null:
        delete = f' on delete set null ("{field.column}")'
    unique = (
        f"do $$ begin if not exists (select from pg_constraint where conname = '{key}') then "
        f'alter table "{other}" add constraint "{key}" unique (tenant_id, id); end if; end $$'
    )
    reference = (
        f'alter table "{table}" add constraint "{table}_{field.column}_fkey" foreign key (tenant_id, "{field.column}") '
        f'references "{other}" (tenant_id, id){delete}'
    )
    return [unique, reference]
