"""Fresh tenants as copies of one that the product's own operations made: all its rows in one statement.

Nearly every test wants two tenants. Made one by one through the operations they cost more than what most tests look at,
and the operations are tested where they belong. A copy has ids, a slug, an owner and a key of its own; its events have
been delivered already.
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import orjson
import psycopg

from apps.engine.ids import uuid7
from apps.tenants.rules import key_text
from tests.support.database import TestDatabase
from tests.support.tenants import TenantFixture, email_of_nobody, make_tenant

OWN = {"tenant_directory": "tenant_id", "tenants_tenant": "id", "tenants_user": "id"}  # and else by `tenant_id`
TABLES = (
    *OWN,
    *("tenants_membership", "tenants_environment", "tenants_project", "tenants_api_key", "core_audit_entry"),
)
TIMES = frozenset({"at", "created_at"})
READ = "select coalesce(jsonb_agg(to_jsonb(t) order by t.{column}), '[]') from {table} t where t.{column} = %s"
WRITE = "_{table} as (insert into {table} select * from jsonb_populate_recordset(null::{table}, %s))"
Rows = dict[str, list[dict[str, Any]]]


class TenantCopies:
    """Makes tenants; takes its connection as superuser, because each statement is about several of them."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._model = make_tenant("model")
        self._rows: Rows = {table: self._read(table) for table in TABLES}
        self._name: str = self._rows["tenants_tenant"][0]["name"]
        self._ids = sorted({row["id"] for rows in self._rows.values() for row in rows if "id" in row})

    def make(self, letters: Sequence[str]) -> list[TenantFixture]:
        """Make a fresh tenant for each letter, whose name begins with it."""
        made: Rows = {table: [] for table in TABLES}
        tenants = [self._copy(letter, made) for letter in letters]
        parts = ", ".join(WRITE.format(table=table) for table in TABLES)
        values = [orjson.dumps(made[table]).decode() for table in TABLES]
        self._connection.execute(f"with {parts} select 1", values, prepare=True)
        return tenants

    def _read(self, table: str) -> list[dict[str, Any]]:
        column = OWN.get(table, "tenant_id")
        wanted = self._model.owner.pk if table == "tenants_user" else self._model.id
        found = self._connection.execute(READ.format(table=table, column=column), [wanted]).fetchone()
        rows: list[dict[str, Any]] = found[0]
        return [row | {name: "now" for name in row if name in TIMES} for row in rows]

    def _copy(self, letter: str, made: Rows) -> TenantFixture:
        model = self._model
        ids = {old: str(uuid7()) for old in self._ids}  # in their order: what is newest in the model is so in the copy
        slug = f"{letter}-{uuid4().hex[:12]}"
        key = key_text.new(slug, UUID(ids[str(model.key_id)]))
        (key_row,) = self._rows["tenants_api_key"]
        fresh = {
            **ids,
            model.slug: slug,
            self._name: f"Tenant {letter.upper()}",
            model.owner.email: email_of_nobody(),
            key_row["secret_hash"]: "\\x" + key.hash().hex(),
            key_row["hint"]: key.secret[-4:],
        }
        for table, rows in self._rows.items():
            made[table] += [_renewed(row, fresh) for row in rows]
        owner = copy.deepcopy(model.owner)
        owner.id, owner.email = UUID(ids[str(owner.pk)]), fresh[owner.email]
        return TenantFixture(
            UUID(ids[str(model.id)]),
            slug,
            owner,
            str(key),
            key.key_id,
            replace(model.project, id=UUID(ids[str(model.project.id)])),
            {name: replace(found, id=UUID(ids[str(found.id)])) for name, found in model.environments.items()},
            people={"owner": owner},
        )


@contextmanager
def tenant_copies(database: TestDatabase) -> Iterator[TenantCopies]:
    """Make the model, and copies of it for as long as the block lasts."""
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        yield TenantCopies(connection)


def _renewed(value: Any, fresh: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _renewed(part, fresh) for name, part in value.items()}
    return fresh.get(value, value) if isinstance(value, str) else value
