"""`database.modular`: which connection is meant, and what its settings may say."""

import pytest
from pydantic import ValidationError

from apps.engine.outcome import Rejected
from apps.modules.catalog.framework.database_modular import DatabaseModular
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("database.modular")

TWO = {
    "default": "main",
    "connections": {
        "main": {"driver": "sqlite3", "dsn": "main.db", "max_open_connections": "3", "connectionMaxLifetime": "1h"},
        "other": {"driver": "pgx", "dsn": "${OTHER_DSN}"},
    },
}


async def run(unit, config, **request):
    return await make(DatabaseModular, config, "dbs").run(request, unit.context())


def codes(config):
    return [(place, code) for place, code, _ in make(DatabaseModular, config).problems()]


async def test_a_step_names_its_connection_or_means_the_default(unit):
    unit.secrets.values["OTHER_DSN"] = "postgres://db.example/other"
    await run(unit, TWO, action="query", sql="select 1")
    await run(unit, TWO, connection="other", action="insert", table="t", data={"a": 1})
    assert unit.databases.opened == [
        ("dbs.main", "sqlite", "main.db"),
        ("dbs.other", "postgres", "postgres://db.example/other"),
    ]
    assert unit.databases.statements[1] == ("insert into t (a) values ($1)", [1])


@pytest.mark.parametrize(
    "config",
    [
        {"driver": "sqlite", "dsn": "one.db"},
        {"connections": {"default": {"driver": "sqlite", "dsn": "one.db"}}},
    ],
)
async def test_the_only_connection_needs_no_name(unit, config):
    await run(unit, config, action="execute", sql="delete from t")
    assert unit.databases.opened == [("dbs.default", "sqlite", "one.db")]


@pytest.mark.shows("database.modular", "failure")
async def test_a_connection_that_is_not_there_is_refused_at_its_place(unit):
    with pytest.raises(Rejected) as refused:
        await run(unit, TWO, connection="third", action="query", sql="select 1")
    assert refused.value.errors[0]["pointer"] == "/connection"


async def test_health_asks_every_database(unit):
    unit.secrets.values["OTHER_DSN"] = "postgres://db.example/other"
    assert await make(DatabaseModular, TWO, "dbs").health(unit.context()) == ("healthy", "")
    assert len(unit.databases.opened) == 2


@pytest.mark.parametrize(
    ("config", "problems"),
    [
        (TWO, []),
        ({}, [("connections", "config.required")]),
        ({**TWO, "default": "x"}, [("default", "reference.unknown")]),
        ({"driver": "mysql", "dsn": "x"}, [("driver", "config.invalid")]),
        (
            {"connections": {"a": {"driver": "mysql", "dsn": "x", "aws_iam_auth": {"enabled": True}}}},
            [("connections.a.driver", "config.invalid"), ("connections.a.aws_iam_auth", "config.invalid")],
        ),
        ({"connections": {"a": {"driver": "sqlite", "dsn": "x", "aws_iam_auth": {"enabled": False}}}}, []),
    ],
)
@pytest.mark.shows("database.modular", "failure")
def test_faults_of_the_settings_are_told_at_their_place(config, problems):
    assert codes(config) == problems


@pytest.mark.parametrize(
    "connection", [{"driver": "sqlite"}, {"driver": "oracle", "dsn": "x"}, {"driver": "sqlite", "dsn": "x", "y": 1}]
)
def test_a_connection_is_checked(connection):
    with pytest.raises(ValidationError):
        DatabaseModular.Config.model_validate({"connections": {"a": connection}})
