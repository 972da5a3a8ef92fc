import pytest
from pydantic import ValidationError

from apps.engine.outcome import Rejected
from apps.modules.catalog.storage.database_workflow import DatabaseWorkflow
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "CAT-B2.16", "database.workflow")

SQLITE = {"driver": "sqlite", "dsn": "orders.db"}


async def run(unit, request, config=SQLITE):
    return await make(DatabaseWorkflow, config, "db").run(request, unit.context())


async def test_a_query_returns_columns_and_rows(unit):
    assert await run(unit, {"action": "query", "sql": "select $1", "args": 7}) == {
        "columns": ["n"],
        "rows": [[1]],
        "count": 1,
    }
    assert unit.databases.statements == [("select $1", [7])]
    assert unit.databases.opened == [("db", "sqlite", "orders.db")]


async def test_a_connection_string_is_the_address_of_a_postgres_server(unit):
    await run(unit, {"action": "query", "sql": "select 1"}, {"connectionString": "postgres://db.example/orders"})
    assert unit.databases.opened == [("db", "postgres", "postgres://db.example/orders")]


@pytest.mark.parametrize(
    ("request_", "statement", "args"),
    [
        ({"action": "execute", "sql": "create table t (a int)"}, "create table t (a int)", []),
        (
            {"action": "insert", "table": "t", "data": {"b": 2, "a": 1}},
            "insert into t (a, b) values ($1, $2)",
            [1, 2],
        ),
        (
            {"action": "update", "table": "s.t", "data": {"b": 2}, "where": {"a": 1, "c": None, "d": [3, 4]}},
            "update s.t set b = $1 where a = $2 and c is null and d in ($3, $4)",
            [2, 1, 3, 4],
        ),
        ({"action": "delete", "table": "t", "where": {"a": []}}, "delete from t where 1 = 0", []),
        ({"action": "delete", "table": "t", "everyRow": True}, "delete from t", []),
    ],
)
async def test_changes_keep_values_apart_from_the_sql(request_, statement, args, unit):
    assert await run(unit, request_) == {"rowsAffected": 1}
    assert unit.databases.statements == [(statement, args)]


@pytest.mark.parametrize(
    ("request_", "pointer"),
    [
        ({"action": "query", "sql": " "}, "/sql"),
        ({"action": "insert", "table": "t", "data": {}}, "/data"),
        ({"action": "insert", "table": "t; drop table u", "data": {"a": 1}}, "/table"),
        ({"action": "insert", "table": "t", "data": {"a = 1 --": 1}}, "/data/a = 1 --"),
        ({"action": "update", "table": "t", "data": {"a": 1}}, "/where"),
        ({"action": "delete", "table": "t"}, "/where"),
        ({"action": "delete", "table": "t", "where": {"a or 1": 1}}, "/where/a or 1"),
        ({"action": "drop"}, "/action"),
        ({"action": "delete", "table": "t", "where": "a = 1"}, "/where"),
    ],
)
@pytest.mark.shows("database.workflow", "failure")
async def test_what_is_unsafe_or_unclear_is_refused_before_anything_runs(request_, pointer, unit):
    with pytest.raises(Rejected) as refusal:
        await run(unit, request_)
    assert refusal.value.errors[0]["pointer"] == pointer
    assert unit.databases.statements == []


async def test_the_address_may_be_a_secret(unit):
    unit.secrets.values["ORDERS_DSN"] = "postgresql://db/orders"
    await run(unit, {"action": "query", "sql": "select 1"}, {"driver": "postgresql", "dsn": "${ORDERS_DSN}"})
    assert unit.databases.opened == [("db", "postgres", "postgresql://db/orders")]


async def test_it_reports_that_the_database_answers(unit):
    assert await make(DatabaseWorkflow, SQLITE).health(unit.context()) == ("healthy", "")


@pytest.mark.spec("D9")
def test_the_numbers_of_connections_are_read_however_they_are_written():
    config = make(DatabaseWorkflow, SQLITE | {"maxOpenConns": 10.0, "maxIdleConns": "3"}).config
    assert (config.max_open_conns, config.max_idle_conns) == (10, 3)


@pytest.mark.parametrize(
    "config", [{}, {"driver": "sqlite"}, {"driver": "oracle", "dsn": "x"}, {"driver": 5, "dsn": "x"}]
)
def test_driver_and_dsn_are_needed(config):
    with pytest.raises(ValidationError):
        make(DatabaseWorkflow, config)


def test_mysql_is_a_finding_until_it_is_built():
    assert make(DatabaseWorkflow, {"driver": "mysql", "dsn": "x"}).problems()[0][:2] == ("driver", "config.invalid")
    assert make(DatabaseWorkflow, SQLITE).problems() == []
