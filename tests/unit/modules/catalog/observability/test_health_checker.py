import orjson
import pytest

from apps.engine.http import Request
from apps.engine.outcome import TryAgain
from apps.modules.catalog.observability.health_checker import HealthChecker
from apps.modules.catalog.storage.database_workflow import DatabaseWorkflow
from apps.modules.catalog.storage.persistence_store import PersistenceStore
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "D14", "health.checker")


class Broken(PersistenceStore):
    """A store that is not well."""

    async def health(self, context):
        return "unhealthy", "disk full"


async def ask(unit, path, *modules):
    checker = make(HealthChecker, name="health", modules=modules)
    response = await checker.handle(Request("GET", path), unit.context())
    return response.status, orjson.loads(response.body)


@pytest.fixture
def database():
    return make(DatabaseWorkflow, {"driver": "sqlite", "dsn": "x"}, "db")


@pytest.mark.parametrize("path", ["/healthz", "/health", "/api/health/"])
async def test_a_well_application_is_healthy(path, unit, database):
    checks = {"db": {"status": "healthy"}, "store": {"status": "healthy"}}
    expected = 200, {"status": "healthy", "checks": checks}
    assert await ask(unit, path, database, make(PersistenceStore, name="store")) == expected


@pytest.mark.parametrize("path", ["/readyz", "/ready"])
async def test_a_started_application_is_ready(path, unit):
    assert await ask(unit, path) == (200, {"status": "ready"})


@pytest.mark.parametrize("path", ["/livez", "/live"])
async def test_it_is_alive_whatever_its_parts_say(path, unit):
    assert await ask(unit, path, make(Broken, name="b")) == (200, {"status": "alive"})


@pytest.mark.shows("health.checker", "failure")
async def test_a_database_that_does_not_answer_degrades_and_is_not_ready(unit, database):
    unit.databases.failure = TryAgain("no answer")
    status, answer = await ask(unit, "/health", database)
    assert (status, answer["status"]) == (200, "degraded")
    assert answer["checks"]["db"] == {"status": "degraded", "message": "no answer"}
    assert await ask(unit, "/ready", database) == (503, {"status": "not_ready"})


async def test_the_worst_part_decides(unit, database):
    status, answer = await ask(unit, "/healthz", database, make(Broken, name="b"))
    assert (status, answer["status"]) == (503, "unhealthy")


def test_both_sets_of_addresses_are_mounted():
    paths = {path for _, path in make(HealthChecker).mounts()}
    assert paths == {"/healthz", "/readyz", "/livez", "/health", "/ready", "/live"}
