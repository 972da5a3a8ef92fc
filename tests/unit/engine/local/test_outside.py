"""The machine's clock, environment, network and databases, as documents see them."""

from datetime import UTC

import pytest

from apps.engine.local.databases import LocalDatabases, numbered
from apps.engine.local.outside import EnvironmentSecrets, SystemClock
from apps.engine.outcome import StepFailed


def test_the_clock_is_aware_and_goes_on():
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()
    assert 0 <= clock.random() < 1


def test_chance_with_a_seed_falls_out_the_same_each_time():
    first, again, other = ([clock.random() for _ in range(3)] for clock in map(SystemClock, (7, 7, 8)))
    assert first == again != other


async def test_secrets_are_environment_variables():
    secrets = EnvironmentSecrets({"TOKEN": "s"})
    assert await secrets.get("TOKEN") == "s"
    with pytest.raises(StepFailed) as missing:
        await secrets.get("OTHER")
    assert missing.value.code == "secret.missing"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select $1, $12", "select ?1, ?12"),
        ("select '$1', \"$2\", $3 -- $4", "select '$1', \"$2\", ?3 -- $4"),
    ],
)
def test_placeholders_are_rewritten_outside_of_texts(sql, expected):
    assert numbered(sql) == expected


async def test_a_database_takes_values_and_gives_rows(tmp_path):
    databases = LocalDatabases(tmp_path, "local")
    database = databases.open("db", "sqlite", "./data/x.db?mode=rw")
    assert databases.open("db", "sqlite", "other") is database
    await database.execute("create table t (id integer, name text)")
    assert await database.execute("insert into t values ($1, $2)", [1, "a"]) == 1
    assert await database.query("select * from t where id = $1", [1]) == {
        "columns": ["id", "name"],
        "rows": [{"id": 1, "name": "a"}],
        "count": 1,
    }
    assert (tmp_path / "data" / "x.db").exists()
    databases.close()


async def test_a_database_keeps_to_itself(tmp_path):
    databases = LocalDatabases(tmp_path, "local")
    database = databases.open("db", "sqlite", ":memory:")
    for sql in ("attach '/etc/passwd' as x", "pragma journal_mode", "select load_extension('x')", "nonsense"):
        with pytest.raises(StepFailed) as refused:
            await database.query(sql)
        assert refused.value.code == "database.refused"
    with pytest.raises(StepFailed) as driver:
        databases.open("third", "mysql", "x")
    assert driver.value.code == "database.unsupported_driver"
    databases.close()


@pytest.mark.spec("CAT-B1", "database.workflow")
async def test_a_database_is_where_the_document_says_and_a_place_where_none_can_be_is_a_failed_step(tmp_path):
    databases = LocalDatabases(tmp_path / "documents", "local")
    await databases.open("above", "sqlite", "../above.db").execute("create table t (id integer)")
    await databases.open("there", "sqlite", f"{tmp_path}/there.db").execute("create table t (id integer)")
    assert {path.name for path in tmp_path.glob("*.db")} == {"above.db", "there.db"}
    (tmp_path / "folder").mkdir()
    for nowhere in ("../above.db/x.db", "../folder"):
        with pytest.raises(StepFailed) as refused:
            databases.open(nowhere, "sqlite", nowhere)
        assert refused.value.code == "database.path"
    databases.close()


async def test_a_statement_that_does_not_end_is_ended(monkeypatch):
    monkeypatch.setattr("apps.engine.local.databases.SECONDS", 0.05)
    databases = LocalDatabases(None, "local")
    database = databases.open("db", "sqlite", "x.db")
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"
    with pytest.raises(StepFailed):
        await database.query(endless)
    databases.close()
