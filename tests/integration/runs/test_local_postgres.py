"""A Postgres database of `wfctl run` gives a document what the hosted product gives it."""

import orjson
import psycopg
import pytest
from psycopg import errors

from apps.engine.local.postgres import PASSING, PostgresDatabase
from apps.engine.outcome import StepFailed, TryAgain
from apps.runs.adapters import databases as hosted
from tests.support.own_postgres import OwnPostgres

pytestmark = pytest.mark.spec("CAT-B1", "database.workflow", "database.modular")

VALUES = [
    "null, true, false, 1::int2, 2::int4, 9007199254740993::int8, 1.5::float4, 'NaN'::float8, 12.340::numeric",
    "'a'::text, 'b'::varchar(3), 'c'::char(3), 'd'::name, 'e'::\"char\", '\\x00ff'::bytea, 7::oid, '8'::xid",
    "'2026-01-31'::date, '23:59:59.5'::time, '2026-01-31 10:00'::timestamp",
    "'2026-01-31 10:00:00.25+05:30'::timestamptz",
    "'1 year 2 mons -3 days -04:05:06.7'::interval, '0'::interval, '5 days'::interval",
    "'7f1d2c00-0000-4000-8000-000000000001'::uuid, '{\"a\": [1, null]}'::json, '[1.50, \"x\"]'::jsonb",
    "'10.0.0.1'::inet, '10.0.0.1/8'::inet, '10.0.0.0/8'::cidr, '08:00:2b:01:02:03'::macaddr, '12.34'::money",
    "'(1,2)'::point, B'101', '10:00+02'::timetz::text, 'int4'::regtype, '1 2'::int2vector",
    "'{1,null,3}'::int[], '{{1,2},{3,4}}'::int8[], '[0:1]={5,6}'::int[], '{}'::text[], '{true,f}'::bool[]",
    "array['a,b', 'c\"d', 'e\\f', '', 'NULL', null, '{', ' '], '{2026-01-31}'::date[], '{\"(1,2)\"}'::point[]",
    "array['{\"a\": 1}'::jsonb], array['\\x01'::bytea], array['1 day 02:00'::interval], '{1.10}'::numeric[]",
    "'[1,5)'::int4range, '[1,)'::int8range, 'empty'::int4range, '(1.5,2.5]'::numrange",
    "'[2026-01-01,2026-02-01)'::daterange",
    "'[2026-01-01 10:00,2026-01-02 11:00)'::tsrange, '[2026-01-01 10:00+00,)'::tstzrange",
    "'{[1,3),[5,7)}'::int4multirange",
    "row(1, 'a,b', null, 'c\"d', ''), row(null), array[int4range(1, 2)], '{}'::int4multirange",
]  # fmt: skip
ARGUMENTS = [
    ("select $1 as a, $2 as b, $3 as c, $4 as d, $5 as e", [7, 70_000, 5_000_000_000, 2**70, -1]),
    ("select $1 as a, $2 as b, $3::text as c, $4 as d", [True, 1.5, None, "text"]),
    ("select $1::date as a, $2::jsonb as b, $3::timestamptz as c", ["2026-01-31", '{"a": 1}', "2026-01-31T10:00:00Z"]),
    ("select $1 + $2 as a, $1 * 2.5 as b", [1, 2]),
    ("select '$1' as a, \"b\".x as b, $1::text as c, $$ $2 $$ as d from (select 1 as x) as \"b\" -- $9", ["c"]),
    ("select $1::text[] as a, $2::int[] as b, $3 as c, $4 as d", [["x", 'y"\\,{', None, ""], [], [1, 70_000], [[1.5]]]),
    ("select count(*) as n from generate_series(1, 3) as n where n = any($1)", [[1, 2, 9]]),
    ("select n from generate_series(1, 12000) as n limit $1", [11_000]),
    ("select 1 as a, 2 as a", []),
    ("select 1 as a; select 2 as b", []),
    ("create table made_1 (id int); select 1 as a", []),
    ("create table made_2 (id int primary key); insert into made_2 values (1), (2) returning id", []),
    ("insert into made (name) values ($1), ($1) returning id, name", ["n"]),
    ("select $1 as a", [{"a": 1}]),
    ("select $1 as a", [[1, "a"]]),
    ("select $1 as a", [[1, 1.5]]),
    ("select $1 as a", []),
    ("select 1 as a", [1]),
    ("select $1::int as a", ["no number"]),
    ("select $1::text as a", ["nul \0 byte"]),
    ("select 'infinity'::date as a", []),
    ("select '0044-03-15 BC'::date as a", []),
    ("select nothing from nowhere", []),
    ("insert into made (id) values (1), (1)", []),
    ("insert into made (name) values ('no rows')", []),
    ("copy made from stdin", []),
    ("copy made to stdout", []),
    ("vacuum", []),
    ("", []),
    ("begin", []),
    ("select pg_terminate_backend(pg_backend_pid())", []),
    ("set local lock_timeout = '1ms'; set local statement_timeout = '1ms'; select pg_sleep(5)", []),
]  # fmt: skip
CHANGES = [
    ("insert into made (name) values ($1), ($2)", ["a", None]),
    ("update made set name = $1 where name = $2", ["b", "a"]),
    ("delete from made where name = any($1)", [["b", "c"]]),
    ("create table made_3 (id int)", []),
    ("create table made_4 as select 1 as a union select 2", []),
    ("select 1 union select 2", []),
    ("insert into made (name) values ('x'); insert into made (name) values ('y'), ('z')", []),
    ("do $$ begin raise notice 'said'; end $$", []),
    ("drop table missing", []),
    ("insert into made (id) values (9), (9)", []),
]


@pytest.fixture
def server(tmp_path):
    """Return the DSNs of two databases that hold the same."""
    made = OwnPostgres(tmp_path / "own")
    with made.up() as url:
        yield url


async def anywhere(host, port):
    return host


async def shown(asking):
    """Return what a document sees of an answer: its JSON, or the kind and code of the failure."""
    try:
        return orjson.loads(orjson.dumps(await asking, default=str))
    except (StepFailed, TryAgain) as error:
        return type(error).__name__, error.code


async def both(url, tmp_path, calls):
    """Make the same calls of both adapters, each with a database of its own; return what each shows."""
    told = []
    for name, make in (("ours", lambda dsn: PostgresDatabase(dsn, tmp_path)), ("theirs", _hosted)):
        own = url.rpartition("/")[0] + f"/{name}"
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(f'create database "{name}"')
        database = make(own)
        await database.execute("create table made (id int generated by default as identity primary key, name text)")
        told.append([await shown(call(database)) for call in calls])
        told[-1].append(await database.query("select id, name from made order by id"))
    return told


def _hosted(dsn):
    return hosted.PostgresDatabase(dsn, anywhere)


async def test_values_rows_and_failures_are_those_of_the_hosted_product(server, tmp_path):
    selects = [(f"select * from (values ({listed})) as listed", []) for listed in VALUES]
    calls = [lambda database, each=each: database.query(*each) for each in (*selects, *ARGUMENTS)]
    calls += [lambda database, each=each: database.execute(*each) for each in CHANGES]
    ours, theirs = await both(server, tmp_path, calls)
    assert {type(each) for each in ours[: len(selects)]} == {dict}  # none of them is refused by both
    asked = [*selects, *ARGUMENTS, *CHANGES, "what is left"]
    assert [each for each in zip(asked, ours, theirs, strict=True) if each[1] != each[2]] == []


def test_a_failure_passes_here_when_it_does_in_the_hosted_product():
    codes = [each.sqlstate for each in vars(errors).values() if isinstance(getattr(each, "sqlstate", None), str)]
    assert len(codes) > 200
    for code in codes:
        assert (code[:2] in PASSING) is issubclass(errors.lookup(code), errors.OperationalError), code


async def test_a_server_that_is_away_or_lets_nobody_in_may_be_asked_again(tmp_path):
    made = OwnPostgres(tmp_path / "own")
    database = PostgresDatabase(made.url, tmp_path)
    assert await shown(database.query("select 1 as a")) == ("TryAgain", "database.busy")
    with made.up():
        assert (await shown(database.query("select 1 as a")))["rows"] == [{"a": 1}]
        user, _, place = made.url.rpartition("@")
        for wrong in (f"{user}x@{place}", f"{made.url}_missing"):
            assert await shown(PostgresDatabase(wrong, tmp_path).query("select 1")) == ("TryAgain", "database.busy")
