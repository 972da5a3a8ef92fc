"""Files, sockets, servers and settings of the host that a document names are not a tenant's (spec/modules.md 3)."""

import socket
import sqlite3
from contextlib import closing

import pytest

from apps.core.management.local.ports import any_free
from apps.core.scope import scope
from apps.runs.adapters.threads import in_thread
from apps.tenants.operations.secrets import secret_set
from apps.workflows.errors import DocumentRefused
from tests.integration.runs.documents import HEAD
from tests.support.runs import ended, start
from tests.support.serving import deployed, request, serving, working
from tests.support.untouched import untouched
from tests.support.upstream import upstream

pytestmark = pytest.mark.spec("CAT-B1", "CAT-B1.7")

PLACES = """\
modules:
  - name: server
    type: httpserver.modular
    config:
      host: 0.0.0.0
      port: %(port)d
      tls: {enabled: true, cert_file: "%(folder)s/seed.json", key_file: "%(folder)s/seed.json"}
  - {name: front, type: http.server, config: {address: "0.0.0.0:%(port)d"}}
  - {name: router, type: http.router}
  - {name: pages, type: static.fileserver, config: {root: "%(folder)s", prefix: /pages}}
  - {name: things, type: api.handler, config: {resourceName: things, seedFile: "%(folder)s/seed.json"}}
  - name: users
    type: auth.jwt
    config: {secret: a text of thirty-two characters., seedFile: "%(folder)s/seed.json"}
  - {name: one, type: database.workflow, config: {driver: sqlite, dsn: "%(folder)s/product.db"}}
  - {name: many, type: database.modular, config: {driver: sqlite, dsn: "file:%(folder)s/product.db?mode=rw"}}
  - name: lines
    type: eventlogger.modular
    config: {outputTargets: [{type: file, file: {path: "%(folder)s/lines.log"}}]}
  - {name: inbox, type: messaging.handler, config: {topic: x, watchPath: "%(folder)s"}}
  - {name: broker, type: messaging.broker, config: {provider: nats, url: "nats://%(address)s"}}
  - {name: relay, type: messaging.broker.eventbus, config: {provider: kafka, url: "%(address)s"}}
  - {name: cache, type: cache.modular, config: {engine: memory, redisURL: "redis://%(address)s"}}
  - {name: bus, type: eventbus.modular, config: {engine: redis, externalBrokerURL: "redis://%(address)s"}}
  - {name: machines, type: statemachine.engine}
  - {name: tracker, type: state.tracker, config: {store: "redis://%(address)s"}}
  - {name: jobs, type: job.store, config: {storeType: "redis://%(address)s"}}
  - {name: clock, type: scheduler.modular, config: {storageType: "%(folder)s", persistenceBackend: custom}}
  - {name: matcher, type: dynamic.component, config: {source: "%(folder)s/keyword_matcher.go"}}
workflows:
  http:
    server: server
    routes:
      - {method: GET, path: /things, handler: things}
      - {method: POST, path: /auth/login, handler: users}
  pipelines:
    read-one: {steps: [{uses: one, with: {action: query, sql: select * from item}}]}
    read-many: {steps: [{uses: many, with: {action: query, sql: select * from item}}]}
    attach: {steps: [{uses: one, with: {action: execute, sql: "attach '%(folder)s/product.db' as other"}}]}
    remember:
      steps:
        - {uses: cache, with: {action: set, key: k, value: "${data.value}"}}
        - {name: read, uses: cache, with: {action: get, key: k}}
    match: {steps: [{uses: matcher, with: {body: hello}}]}
"""
SEED = '[{"id": "1", "data": {"email": "ann@shop.example", "password": "of the host", "name": "Ann"}}]'


@pytest.fixture
def folder(tmp_path, settings):
    """A folder of the host, which is not the one that holds tenants' databases."""
    settings.DATA_DIR = str(tmp_path / "data")
    found = tmp_path / "host"
    found.mkdir()
    (found / "index.html").write_text("of the host")
    (found / "seed.json").write_text(SEED)
    (found / "keyword_matcher.go").write_text("package component")
    with closing(sqlite3.connect(found / "product.db")) as made, made:
        made.execute("create table item (name text)")
    return found


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


async def login(ingress, tenant):
    body = {"email": "ann@shop.example", "password": "of the host"}
    return (await request(ingress, "POST", f"/w/{tenant.slug}/host/auth/login", body)).status


async def test_no_file_socket_or_server_of_the_host_is_used_whatever_the_document_says(two_tenants, folder):
    before, port = contents(folder), any_free()
    async with untouched() as elsewhere, serving() as ingress, working():
        text = PLACES % {"folder": folder, "port": port, "address": elsewhere.address}
        for tenant in two_tenants:
            workflow = await deployed(tenant, "host", text)
            pages = await request(ingress, "GET", f"/w/{tenant.slug}/host/pages/index.html")
            things = await request(ingress, "GET", f"/w/{tenant.slug}/host/things")
            assert (pages.status, things.json(), await login(ingress, tenant)) == (404, [], 401)
            for name in ("read-one", "read-many", "attach"):
                run = await ended(tenant, await start(tenant, workflow, name, {}))
                assert (name, run["state"], run["error"]["code"]) == (name, "failed", "database.refused")
            run = await ended(tenant, await start(tenant, workflow, "remember", {"value": tenant.slug}))
            assert run["steps"][-1]["output"] == {"found": True, "value": tenant.slug}
            run = await ended(tenant, await start(tenant, workflow, "match", {}))
            assert run["state"] == "done", run["error"]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)
        assert elsewhere.visits == 0
    assert contents(folder) == before


KEYED = (
    HEAD
    + """\
  - {name: partner, type: httpclient.modular, config: {baseURL: "%(url)s", headers: {x-key: "${HOST_KEY}"}}}
  - {name: bucket, type: storage.s3, config: {bucket: shop, endpoint: "%(url)s"}}
workflows:
  pipelines:
    ask: {steps: [{uses: partner, with: {path: /x}}]}
    keep: {steps: [{uses: bucket, with: {action: put, key: k, body: b}}]}
"""
)


async def test_a_name_of_the_process_environment_is_no_secret_of_a_tenant(two_tenants, settings, monkeypatch):
    for name in ("HOST_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with upstream() as partner:
        settings.OUTBOUND_ALLOW = [partner.address]
        async with working():
            for tenant in two_tenants:
                with pytest.raises(DocumentRefused) as refused:
                    await deployed(tenant, "early", KEYED % {"url": partner.url})
                assert "secret.missing" in str(refused.value.extra["findings"])
                await in_thread(lambda tenant=tenant: _own_secret(tenant))
                workflow = await deployed(tenant, "keyed", KEYED % {"url": partner.url})
                run = await ended(tenant, await start(tenant, workflow, "ask", {}))
                assert run["state"] == "done", run["error"]
                run = await ended(tenant, await start(tenant, workflow, "keep", {}))
                assert (run["state"], run["error"]["code"]) == ("failed", "secret.missing")
        asked = [(call.path, call.headers["x-key"]) for call in partner.calls]
        assert asked == [("/x", tenant.slug) for tenant in two_tenants]


def _own_secret(tenant):
    with scope(tenant.id, tenant.actor):
        secret_set(environment="prod", name="HOST_KEY", value=tenant.slug, actor=tenant.actor)
