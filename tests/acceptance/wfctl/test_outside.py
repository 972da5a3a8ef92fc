"""`wfctl run` does outside what the document says: files, databases, partners, brokers, addresses, the environment."""

import http.client
import json
import re
import socket
import sqlite3
from contextlib import closing
from urllib.parse import urlsplit

import psycopg
import pytest

from apps.core.management.local.ports import any_free
from tests.support.kafka_cluster import kafka_cluster
from tests.support.kafka_records import records_of
from tests.support.nats_server import nats_server
from tests.support.nats_streams import add_stream, messages_in
from tests.support.oidc_provider import oidc_provider
from tests.support.own_postgres import OwnPostgres
from tests.support.own_redis import OwnRedis
from tests.support.upstream import upstream
from tests.support.waiting import wait_for
from tests.support.wfctl import Serving, wfctl

pytestmark = [pytest.mark.spec("CAT-B1", "CAT-B1.7"), pytest.mark.slow]

PARTNERS = """\
modules:
- {name: server, type: http.server, config: {address: "127.0.0.1:%(port)d"}}
- {name: router, type: http.router}
- {name: hub, type: integration.registry}
- {name: by-webhook, type: webhook.sender, config: {url: "%(url)s/webhook", headers: {x-key: "${HOST_KEY}"}}}
- {name: by-slack, type: notification.slack, config: {webhookURL: "%(url)s/slack"}}
- {name: by-client, type: httpclient.modular, config: {baseURL: "%(url)s"}}
- {name: by-bucket, type: storage.s3, config: {bucket: shop, endpoint: "%(url)s"}}
- {name: spans, type: observability.otel, config: {endpoint: "%(address)s"}}
- {name: simple, type: http.simple_proxy, config: {targets: {/simple: "%(url)s"}}}
- {name: proxy, type: http.proxy, config: {target: "%(url)s"}}
- {name: reverse, type: reverseproxy, config: {backend_services: {a: "%(url)s"}, routes: {/reverse: a}}}
workflows:
  http:
    routes:
    - {method: GET, path: /simple, handler: simple}
    - {method: GET, path: /proxy, handler: proxy}
    - {method: GET, path: /reverse, handler: reverse}
  pipelines:
    webhook: {steps: [{uses: by-webhook}]}
    slack: {steps: [{uses: by-slack}]}
    client: {steps: [{uses: by-client, with: {path: /client}}]}
    bucket: {steps: [{uses: by-bucket, with: {action: put, key: k, body: b}}]}
  integration:
    registry: hub
    connectors:
    - {name: api, type: http, config: {baseURL: "%(url)s", allowPrivateIPs: true}}
    - {name: rows, type: database, config: {driver: sqlite, dsn: rows.db}}
    steps:
    - {name: make, connector: rows, action: execute, input: {sql: create table item (name text)}}
    - {name: ask, connector: api, action: GET /integration}
"""
FILES = """\
modules:
- {name: server, type: http.server, config: {address: ":%(port)d"}}
- {name: router, type: http.router}
- {name: pages, type: static.fileserver, config: {root: pages, prefix: /pages}}
- {name: things, type: api.handler, config: {resourceName: things, seedFile: seed.json}}
- {name: users, type: auth.jwt, config: {secret: a text of thirty-two characters., seedFile: seed.json}}
- {name: one, type: database.workflow, config: {driver: sqlite, dsn: one.db}}
- {name: many, type: database.modular, config: {driver: sqlite, dsn: "file:%(elsewhere)s/many.db?mode=rwc"}}
- {name: cache, type: cache.modular, config: {engine: redis}}
- {name: matcher, type: dynamic.component, config: {source: components/keyword_matcher.go}}
workflows:
  http:
    routes:
    - {method: GET, path: /things, handler: things}
    - {method: POST, path: /auth/login, handler: users}
  pipelines:
    one: {steps: [{uses: one, with: {action: execute, sql: create table item (name text)}}]}
    many: {steps: [{uses: many, with: {action: execute, sql: create table item (name text)}}]}
    remember:
      steps:
      - {uses: cache, with: {action: set, key: k, value: 7}}
      - {name: read, uses: cache, with: {action: get, key: k}}
    match: {steps: [{uses: matcher, with: {body: hello}}]}
"""
SERVERS = """\
modules:
- {name: server, type: http.server, config: {address: ":8080"}}
- {name: router, type: http.router}
- {name: hub, type: integration.registry}
- {name: one, type: database.workflow, config: {driver: postgres, dsn: "${%(key)s}"}}
- {name: two, type: database.workflow, config: {connectionString: "host=%(host)s user=shop dbname=%(name)s"}}
- name: many
  type: database.modular
  config: {default: a, connections: {a: {driver: postgres, dsn: "${%(key)s}"}, b: {driver: sqlite, dsn: b.db}}}
- {name: health, type: health.checker}
workflows:
  http: {routes: []}
  pipelines:
    one:
      steps:
      - uses: one
        with: {action: execute, sql: "create table item (id int, price numeric, at timestamptz, more json)"}
      - uses: one
        with: {action: insert, table: item, data: {id: 1, price: 12.5, at: "2026-01-31T10:00Z", more: '["%(name)s"]'}}
      - {uses: one, with: {action: update, table: item, data: {price: "3.10"}, where: {id: [1, 2]}}}
      - {name: read, uses: one, with: {action: query, sql: select * from item where id = $1, args: [1]}}
    many: {steps: [{name: read, uses: many, with: {action: query, sql: select current_database() as name}}]}
    two: {steps: [{uses: two, with: {action: query, sql: select 1}}]}
    broken: {steps: [{uses: one, with: {action: query, sql: select nothing from nowhere}}]}
  integration:
    registry: hub
    connectors: [{name: rows, type: database, config: {driver: pgx, dsn: "${%(key)s}"}}]
    steps: [{name: ask, connector: rows, action: query, input: {sql: select count(*) as n from item}}]
"""
CACHED = """\
modules:
- {name: server, type: http.server, config: {address: ":8080"}}
- {name: router, type: http.router}
- name: shelf
  type: cache.modular
  config: {engine: redis, redisURL: "redis://%(address)s/9", redisPassword: "${KEY_%(name)s}", redisDB: %(database)d}
workflows:
  http: {routes: []}
  pipelines:
    keep: {steps: [{uses: shelf, with: {action: set, key: k, value: {of: %(name)s}, ttl: 1h}}]}
    read: {steps: [{uses: shelf, with: {action: get, key: k}}]}
    clear: {steps: [{uses: shelf, with: {action: flush}}]}
"""
LOGGED = """\
modules:
- {name: server, type: http.server, config: {address: ":8080"}}
- {name: router, type: http.router}
- name: lines
  type: eventlogger.modular
  config:
    format: text
    outputTargets:
    - {type: console, level: ERROR}
    - {type: file, format: json, file: {path: logs/%(name)s.log, maxSize: 1}}
    - {type: syslog, syslog: {network: udp, address: "127.0.0.1:%(port)d", tag: %(name)s, facility: local0}}
workflows:
  http: {routes: []}
  pipelines: {weigh: {steps: [{validate: {schema: {type: object, required: [grams]}}}]}}
"""
SIGN_IN = """\
modules:
- {name: server, type: http.server, config: {address: ":8080"}}
- {name: router, type: http.router}
- name: auth
  type: auth.modular
  config: {jwt: {secret: "${KEY}"}, session: {secure: false}, oauth2: {providers: {there: %s}}}
workflows:
  http:
    routes:
    - {method: GET, path: "/auth/oauth2/{provider}", handler: auth}
    - {method: GET, path: "/auth/oauth2/{provider}/callback", handler: auth}
"""
BROKER = """\
modules:
- {name: server, type: http.server, config: {address: ":8080"}}
- {name: router, type: http.router}
- {name: post, type: %s}
workflows:
  messaging: {broker: post, subscriptions: []}
  pipelines: {announce: {steps: [{emit: parcels.new, payload: {n: 1}}]}}
"""
ENVIRONMENT = {"HOST_KEY": "of the environment", "AWS_ACCESS_KEY_ID": "AKIAHOST", "AWS_SECRET_ACCESS_KEY": "s3cret"}
ANN = {"email": "ann@shop.example", "password": "of the host"}


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a document beside its files."""

    def written(text):
        file = tmp_path / "document.yaml"
        file.write_text(text)
        return file

    return written


def tables(file):
    with closing(sqlite3.connect(file)) as opened:
        return opened.execute("select name from sqlite_master").fetchall()


def test_partners_on_this_machine_are_called_with_what_the_environment_says(write, tmp_path):
    with upstream() as partner:
        port = any_free()
        file = write(PARTNERS % {"url": partner.url, "address": partner.address, "port": port})
        with Serving(file, address=None, **ENVIRONMENT) as served:
            assert served.url == f"http://127.0.0.1:{port}"
            for name in ("webhook", "slack", "client", "bucket", "integration"):
                run = served.start(name, name, {"text": "hi"})
                assert (name, run["status"]) == (name, "done"), run["error"]
            for path in ("/simple", "/proxy", "/reverse"):
                assert served.call("GET", path).status == 200
            wait_for(lambda: "/v1/traces" in {call.path for call in partner.calls}, what="a span")
        paths = {call.path for call in partner.calls}
        assert {"/webhook", "/slack", "/client", "/shop/k", "/integration", "/simple", "/proxy", "/reverse"} <= paths
        (sent,) = [call for call in partner.calls if call.path == "/webhook"]
        assert sent.headers["x-key"] == ENVIRONMENT["HOST_KEY"]
        (kept,) = [call for call in partner.calls if call.path == "/shop/k"]
        assert f"Credential={ENVIRONMENT['AWS_ACCESS_KEY_ID']}/" in kept.headers["authorization"]
    assert tables(tmp_path / "rows.db") == [("item",)]


def test_files_and_databases_are_those_beside_the_document_or_where_it_says(write, tmp_path, tmp_path_factory):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/index.html").write_text("of the host")
    (tmp_path / "seed.json").write_text(json.dumps([{"id": "1", "data": ANN | {"name": "Ann"}}]))
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with Serving(write(FILES % {"port": any_free(), "elsewhere": elsewhere}), address=None) as served:
        assert served.call("GET", "/pages/index.html").body == b"of the host"
        assert [row["id"] for row in served.get("/things")] == ["1"]
        assert served.call("POST", "/auth/login", ANN).status == 200
        for name in ("one", "many", "match", "remember"):
            run = served.start(name, name, {})
            assert (name, run["status"]) == (name, "done"), run["error"]
        assert run["steps"][-1]["output"] == {"found": True, "value": 7}
    assert tables(tmp_path / "one.db") == tables(elsewhere / "many.db") == [("item",)]


def test_each_document_has_the_postgres_server_that_it_names_and_no_other(tmp_path):
    server = OwnPostgres(tmp_path / "own")
    with server.up() as url:
        files, environment = [], {"PGPASSWORD": url.partition("@")[0].rpartition(":")[2], "PGUSER": "postgres"}
        for name in ("north", "south"):
            with psycopg.connect(url, autocommit=True) as admin:
                admin.execute(f"create database {name}")
            key, host = f"DSN_{name.upper()}", f"127.0.0.1 port={urlsplit(url).port}"
            environment[key] = url.rpartition("/")[0] + f"/{name}"
            files.append(tmp_path / f"{name}.yaml")
            files[-1].write_text(SERVERS % {"key": key, "name": name, "host": host})
        with Serving(*files, **environment) as served:
            for name in ("north", "south"):
                there = served.at(name)
                run = there.start("one", "one", {})
                assert run["status"] == "done", run["error"]
                assert run["steps"][-1]["output"]["rows"] == [
                    {"id": 1, "price": "3.10", "at": "2026-01-31T10:00:00+00:00", "more": [name]}
                ]
                assert there.start("many", "many", {})["steps"][-1]["output"]["rows"] == [{"name": name}]
                run = there.start("integration", "integration", {})
                assert run["status"] == "done", run["error"]
                assert there.start("broken", "broken", {})["error"]["code"] == "database.refused"
                assert there.start("two", "two", {})["error"]["code"] == "database.busy"
            assert environment["PGPASSWORD"] not in served.output
        for name in ("north", "south"):
            with psycopg.connect(environment[f"DSN_{name.upper()}"]) as looking:
                assert looking.execute("select more from item").fetchall() == [([name],)]


def test_each_document_keeps_values_on_the_redis_server_that_it_names(tmp_path):
    server = OwnRedis(tmp_path / "own")
    files = []
    for name, database in (("NORTH", 3), ("SOUTH", 4), ("LOST", 5)):
        files.append(tmp_path / f"{name}.yaml")
        files[-1].write_text(CACHED % {"address": server.address, "name": name, "database": database})
    environment = {"KEY_NORTH": server.password, "KEY_SOUTH": server.password, "KEY_LOST": "a wrong one"}
    with server.up() as look, Serving(*files, **environment) as served:
        for name, database in (("NORTH", 3), ("SOUTH", 4)):
            assert served.at(name).start("keep", "keep", {})["status"] == "done"
            look.select(database)
            (values,) = look.keys("*:v")
            assert list(look.hgetall(values).values()) == [b'{"of":"%s"}' % name.encode()]
        look.set("of somebody else", "1")
        assert served.at("SOUTH").start("clear", "clear", {})["status"] == "done"
        assert look.get("of somebody else") == b"1"
        assert look.keys("*:v") == []
        shown = served.at("NORTH").start("read", "read", {})["steps"][-1]["output"]
        assert shown == {"found": True, "value": {"of": "NORTH"}}
        lost = served.at("LOST").start("keep", "keep", {})
        assert lost["error"]["code"] == "cache.refused"
        assert server.password not in served.output


def test_a_redis_server_that_is_away_is_an_empty_cache(write, tmp_path):
    server = OwnRedis(tmp_path / "own")
    file = write(CACHED % {"address": server.address, "name": "NORTH", "database": 3})
    with Serving(file, KEY_NORTH=server.password) as served:
        assert served.start("keep", "keep", {})["status"] == "done"
        assert served.start("read", "read", {})["steps"][-1]["output"] == {"found": False, "value": None}
        with server.up():
            assert served.start("keep", "keep", {})["status"] == "done"
            assert served.start("read", "read", {})["steps"][-1]["output"]["found"] is True


def test_to_check_a_document_no_driver_of_its_databases_is_loaded(write):
    """Started afresh, as a user does: the environment tells the interpreter itself something."""
    file = write(SERVERS % {"key": "KEY", "name": "shop", "host": "127.0.0.1"})
    checked = wfctl("validate", file, PYTHONPROFILEIMPORTTIME="1")
    assert checked.code == 0, checked.out
    assert "apps.engine.check" in checked.err
    assert "pg8000" not in checked.err


def test_events_are_written_to_files_and_system_logs_of_this_machine(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as log:
        log.bind(("127.0.0.1", 0))
        log.settimeout(10)
        files = [tmp_path / f"{name}.yaml" for name in ("north", "south")]
        for file in files:
            file.write_text(LOGGED % {"name": file.stem, "port": log.getsockname()[1]})
        (tmp_path / "logs").mkdir()
        (tmp_path / "logs/north.log").write_bytes(b"x" * 1_048_576)
        with Serving(*files) as served:
            assert served.at("north").start("weigh", "weigh", {})["status"] == "failed"
            told = [log.recv(4096).decode() for _ in range(4)]  # joined documents hear one another
            assert not served.line("key.ignored")
    said = [re.match(r"<(\d+)>\S+ \S+ (\w+)\[\d+\]: (\S+) weigh weigh", line).groups() for line in told]
    expected = {("134", "workflow.pipelines.started"), ("131", "workflow.pipelines.failed")}
    for name in ("north", "south"):
        assert {(priority, topic) for priority, tag, topic in said if tag == name} == expected
        lines = [json.loads(line) for line in (tmp_path / f"logs/{name}.log").read_text().splitlines()]
        assert {(line["level"], line["topic"]) for line in lines} == {
            ("INFO", "workflow.pipelines.started"), ("ERROR", "workflow.pipelines.failed")
        }  # fmt: skip
    assert {path.name for path in (tmp_path / "logs").iterdir()} == {"north.log", "north.log.1.gz", "south.log"}


def test_people_sign_in_with_a_service_on_this_machine(write):
    with oidc_provider() as provider:
        provider.know("u-1", email="ann@shop.example", email_verified=True, name="Ann")
        port = any_free()
        settings = provider.settings(f"http://127.0.0.1:{port}/auth/oauth2/there/callback")
        file = write(SIGN_IN % json.dumps(settings))
        with Serving(file, address=f"127.0.0.1:{port}", KEY="k" * 40, OAUTH_SECRET="s" * 20) as served:
            begun = _asked(port, "/auth/oauth2/there")
            back = urlsplit(provider.sign_in(begun.headers["location"], "u-1"))
            cookie = begun.headers["set-cookie"].partition(";")[0]
            assert _asked(port, f"{back.path}?{back.query}", cookie=cookie).status == 201
            assert served.process.poll() is None


def _asked(port, path, **headers):
    """Ask without following where an answer sends to."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as client:
        client.request("GET", path, headers=headers)
        answer = client.getresponse()
        answer.read()
        return answer


async def test_a_stream_of_this_machine_is_published_to(write):
    with nats_server() as address:
        await add_stream(address, "PARCELS", "parcels.>")
        file = write(BROKER % f'messaging.nats, config: {{url: "nats://{address}"}}')
        _announced(file)
        assert [message.data for message in await messages_in(address, "PARCELS")] == [b'{"n":1}']


def test_a_cluster_of_this_machine_is_published_to(write):
    with kafka_cluster() as address:
        _announced(write(BROKER % f'messaging.kafka, config: {{brokers: "{address}"}}'))
        (record,) = records_of(address, "parcels.new", 1)
        assert record.value() == b'{"n":1}'


def _announced(file):
    with Serving(file) as served:
        assert served.start("announce", "announce", {})["status"] == "done"
        wait_for(lambda: served.runs(workflow="post", status="done"), timeout=30, what="what is published")
