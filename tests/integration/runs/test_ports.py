"""The Postgres adapters pass the suite that the SQLite adapters pass."""

import contextlib
from typing import cast

import orjson
import psycopg
import pytest

from apps.core.sealing import opened
from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.ids import uuid7
from apps.engine.ports import Unit
from apps.modules.queries import registry
from apps.runs.adapters.place import Place
from apps.runs.adapters.unit import HostedUnit
from apps.runs.operations.applications import Applications
from apps.runs.operations.services import services_make
from apps.runs.rules.sealing import MESSAGE_PAYLOAD, RECEIPT, RUN_INPUT
from tests.integration.runs.documents import HEAD
from tests.support.port_suite import PortSuite

DOCUMENT = HEAD + "workflows: {pipelines: {p: {steps: [{set: {a: 1}}]}}}\n"


class Hosted:
    """Opens units of one workflow per tenant."""

    def __init__(self, database, services):
        self.database = database
        self.services = services
        self.application = compile_document(load(DOCUMENT).document, registry())
        self.places = {}

    def place(self, tenant):
        if tenant.id not in self.places:
            ids = (tenant.environments["prod"].id, "prod", uuid7(), "w", uuid7(), 1)
            self.places[tenant.id] = Place(tenant.id, tenant.slug, *ids, self.application)
        return self.places[tenant.id]

    @contextlib.asynccontextmanager
    async def unit(self, tenant):
        unit = HostedUnit(self.services, self.place(tenant), uuid7())
        try:
            yield cast(Unit, unit)
        except BaseException:
            await unit.rollback()
            raise
        await unit.commit()

    async def rows(self, statement, *values):
        async with await psycopg.AsyncConnection.connect(self.database.superuser_url) as connection:
            return await (await connection.execute(statement, values)).fetchall()

    async def messages(self, tenant):
        found = await self.rows(
            "select topic, key, payload from runs_message where tenant_id = %s order by id", tenant.id
        )
        return [
            {"topic": topic, "key": key, "payload": read(payload, tenant, MESSAGE_PAYLOAD)}
            for topic, key, payload in found
        ]

    async def runs(self, tenant):
        found = await self.rows("select id, entry, input from runs_run where tenant_id = %s order by id", tenant.id)
        return [{"id": run_id, "entry": entry, "input": read(data, tenant, RUN_INPUT)} for run_id, entry, data in found]

    async def ledger(self, tenant, step_id, attempt):
        found = await self.rows(
            "select receipt from runs_effectentry where tenant_id = %s and step_key = %s and attempt = %s",
            tenant.id,
            step_id,
            attempt,
        )
        return bool(found), None if not found or found[0][0] is None else read(found[0][0], tenant, RECEIPT)


def read(data, tenant, column):
    return orjson.loads(opened(data, tenant.id, column))


@pytest.mark.spec("SPINE-B4", "SPINE-B4.5")
class TestPostgresPorts(PortSuite):
    @pytest.fixture
    async def host(self, database):
        services = services_make(Applications())
        await services.start()
        yield Hosted(database, services)
        await services.close()

    @pytest.fixture
    def tenants(self, two_tenants):
        return two_tenants
