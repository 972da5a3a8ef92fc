"""What a Postgres server, a role or a database is set to changes nothing of what a document sees, hosted or locally."""

from itertools import count
from typing import NamedTuple

import orjson
import psycopg
import pytest

from apps.engine.local.postgres import PostgresDatabase
from tests.integration.runs.test_local_postgres import ARGUMENTS, VALUES, _hosted, shown
from tests.support.certificates import make_certificates
from tests.support.own_postgres import OwnPostgres
from tests.support.postgres_door import postgres_door

pytestmark = pytest.mark.spec("CAT-B1", "database.workflow", "database.modular")

TIMES = [
    "'10:00+02'::timetz, '10:00:00.25-03:30'::timetz, '23:59:59.999999+15:59'::timetz, '00:00+00:00:30'::timetz",
    "array['10:00+02'::timetz, null], '2026-01-31 10:00+02'::timestamptz::timetz",
    "'24:00'::time",
    "'24:00+00'::timetz",
    "'{\"a\": 123456789012345678901234567890}'::jsonb, '1e400'::json",
    "'infinity'::timestamptz",
    "'1800-01-01 00:00+00'::timestamptz",
    "null::timetz, null::interval, null::json",
]
SETTINGS = [
    {"datestyle": "SQL, DMY"},
    {"datestyle": "German, YMD", "intervalstyle": "iso_8601"},
    {"datestyle": "Postgres, DMY", "intervalstyle": "sql_standard"},
    {"intervalstyle": "postgres_verbose", "bytea_output": "escape"},
    {"timezone": "Europe/Berlin", "extra_float_digits": "0"},
    {"timezone": "Asia/Kolkata", "client_encoding": "latin1"},
    {"timezone": "America/St_Johns", "standard_conforming_strings": "off", "backslash_quote": "on"},
]
FORMS = ("select '2026-01-31'::date as a, '1 day 02:03:04'::interval as b, decode('00ff', 'hex') as c", [])
GOOD = ("require", "secret")
NUMBERS = count(1)


class Server(NamedTuple):
    """Where a server is, and the role of one test there."""

    address: str
    admin_url: str
    role: str


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with OwnPostgres(tmp_path_factory.mktemp("own")).up() as url:
        yield url


@pytest.fixture
def server(cluster):
    """Make a role that no other test has set to anything, nor has connections of."""
    made = Server(cluster.rpartition("@")[2].partition("/")[0], cluster, f"ann{next(NUMBERS)}")
    with psycopg.connect(cluster, autocommit=True) as admin:
        admin.execute(f"create role {made.role} login password 'secret'")
    return made


def of_role(server, database="postgres"):
    return f"postgresql://{server.role}:secret@{server.address}/{database}"


async def differences(dsn, tmp_path, calls):
    """Return the calls that both adapters do not answer alike, with what each shows."""
    found = []
    for call in calls:
        told = [await shown(database.query(*call)) for database in (PostgresDatabase(dsn, tmp_path), _hosted(dsn))]
        if told[0] != told[1]:
            found.append((call, *told))
    return found


def selects(listed):
    return [(f"select * from (values ({each})) as listed", []) for each in listed]


async def test_times_of_a_zone_and_what_has_no_form_are_shown_alike(server, tmp_path):
    assert await differences(of_role(server), tmp_path, selects(TIMES)) == []
    answer = await PostgresDatabase(of_role(server), tmp_path).query("select '10:00:00.5+02'::timetz as a")
    assert orjson.loads(orjson.dumps(answer))["rows"] == [{"a": "10:00:00.500000+02:00"}]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: ",".join(settings.values()))
async def test_settings_of_a_role_change_no_value(server, tmp_path, settings):
    with psycopg.connect(server.admin_url, autocommit=True) as admin:
        for name, value in settings.items():
            admin.execute(f"alter role {server.role} set {name} = '{value}'")
    calls = [*selects([*VALUES, *TIMES]), *ARGUMENTS[:8], ("select 'ü€'::text as a, $1 as b", ["ü€"])]
    assert await differences(of_role(server), tmp_path, calls) == []
    seen = await shown(_hosted(of_role(server)).query(*FORMS))
    assert seen["rows"] == [{"a": "2026-01-31", "b": "1 day, 2:03:04", "c": "b'\\x00\\xff'"}]


async def test_a_password_is_proven_over_an_encrypted_line_and_a_wrong_one_is_not(server, tmp_path):
    made = make_certificates(tmp_path, "127.0.0.1")
    async with postgres_door(server.address, made) as port:
        where = f"host=127.0.0.1 port={port} user={server.role} dbname=postgres"
        calls = [("select current_user as a", []), *selects(VALUES)]
        for mode in ("prefer", "require", "verify-ca", "verify-full"):
            for password in ("secret", "wrong", ""):
                dsn = f"{where} password='{password}' sslmode={mode}"
                assert await differences(dsn, tmp_path, calls[: 99 if (mode, password) == GOOD else 1]) == []
        for mode in ("prefer", "require"):
            dsn = f"{where} password=secret sslmode={mode}"
            assert (await shown(PostgresDatabase(dsn, tmp_path).query(*calls[0])))["rows"] == [{"a": server.role}]
        dsn = f"{where} password=%s sslmode=verify-full"
        dsn += f" sslrootcert={made.authority}"  # which only a document on one's own machine may name
        assert (await shown(PostgresDatabase(dsn % "secret", tmp_path).query(*calls[0])))["rows"] == [
            {"a": server.role}
        ]
        refused = await shown(PostgresDatabase(dsn % "wrong", tmp_path).query(*calls[0]))
        assert refused == ("TryAgain", "database.busy")


async def test_a_database_of_any_encoding_gives_texts(server, tmp_path):
    with psycopg.connect(server.admin_url, autocommit=True) as admin:
        for name, encoding in (("plain", "SQL_ASCII"), ("latin", "LATIN1")):
            admin.execute(f"create database {name} encoding '{encoding}' locale 'C' template template0")
    calls = [("select 'ü'::text as a, $1 as b", ["é"]), ("select convert_from('\\xff', 'LATIN1') as a", [])]
    calls += [("select '☃'::text as a", []), ("select E'\\xe4'::text as a", [])]
    for name in ("plain", "latin"):
        assert await differences(of_role(server, name), tmp_path, calls) == []
        assert (await shown(_hosted(of_role(server, name)).query(*calls[0])))["rows"] == [{"a": "ü", "b": "é"}]
