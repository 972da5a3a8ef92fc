"""Nothing lets another tenant in: every table, route, socket and task, from the product's own inventories."""

import pytest

from tests.support.database import TestDatabase
from tests.support.isolation import Sweep, demand_clean, examples
from tests.support.route_sweep import RouteSweep
from tests.support.socket_sweep import sweep_sockets
from tests.support.table_sweep import sweep_tables
from tests.support.task_sweep import sweep_tasks
from tests.support.tenants import TenantFixture

pytestmark = pytest.mark.spec("SPINE-4", "SPINE-B3")
Two = tuple[TenantFixture, TenantFixture]


@pytest.fixture
def of_tables_routes_and_tasks(database: TestDatabase, filled_tenants: Two) -> list[Sweep]:
    a, b = filled_tenants
    return [
        sweep_tables(database, a.id, b.id, user=a.owner.pk),
        RouteSweep(database, a, b, examples()).run(),
        sweep_tasks(database, a, b, examples()),
    ]


@pytest.mark.spec("SPINE-4.1", "SPINE-4.2", "SPINE-4.3", "SPINE-4.4", "SPINE-B1.7", "SPINE-B3.2")
async def test_nothing_lets_another_tenant_in(
    database: TestDatabase,
    filled_tenants: Two,
    of_tables_routes_and_tasks: list[Sweep],
    request: pytest.FixtureRequest,
) -> None:
    tables, routes, tasks = of_tables_routes_and_tasks
    sockets = await sweep_sockets(database, *filled_tenants, examples())
    swept = (tables, routes, sockets, tasks)
    uncovered = sum(len(set(sweep.uncovered)) for sweep in swept)
    line = f"{', '.join(f'{sweep.what} {sweep.count}' for sweep in swept)}; uncovered {uncovered}"
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        request.config.get_terminal_writer().line(f"\n{line}")
    demand_clean(*swept)
