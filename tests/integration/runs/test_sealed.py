"""Nothing that tenants' data passes through at rest can be read there: the whole database is searched."""

import base64
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import pytest

from apps.core.sealing import MARK, opened
from apps.runs.adapters.threads import in_thread
from apps.runs.queries.instances import instance_get, instance_list
from apps.runs.queries.messages import message_get, message_list
from apps.runs.queries.runs import run_get, run_list
from apps.runs.queries.shown import UNDECIPHERABLE
from apps.runs.rules.sealing import ANSWER_BODY, COLUMNS
from tests.integration.runs.documents import HEAD
from tests.support.clients import client_for
from tests.support.receiver import receiving
from tests.support.runs import ended, ended_of, start, the
from tests.support.serving import deployed, request

pytestmark = pytest.mark.spec("CAT-B2", "CAT-B2.14", "D24")

DOCUMENT = (
    HEAD
    + """\
  - {name: users, type: auth.jwt, config: {secret: "a secret of at least thirty-two bytes"}}
  - {name: notes, type: api.handler, config: {resourceName: notes}}
  - {name: engine, type: statemachine.engine}
  - {name: tickets, type: api.handler, config: {resourceName: tickets, workflowType: ticket, workflowEngine: engine}}
  - {name: broker, type: messaging.broker}
  - {name: inbox, type: messaging.handler, config: {topic: told}}
  - {name: hook, type: webhook.sender, config: {url: "http://%s/"}}
workflows:
  http:
    routes:
      - {method: POST, path: /auth/register, handler: users}
      - {method: POST, path: /auth/login, handler: users}
      - {method: POST, path: /notes, handler: notes}
      - {method: GET, path: "/notes/{id}", handler: notes}
      - {method: POST, path: /tickets, handler: tickets}
      - {method: PUT, path: "/tickets/{id}/transition", handler: tickets}
      - {method: POST, path: /echo, handler: echo}
      - {method: POST, path: /stepwise, handler: echo, record: step}
      - {method: POST, path: /tell, handler: tell}
  messaging:
    subscriptions:
      - {topic: told, handler: inbox}
      - {topic: told, handler: pass}
      - {topic: told, handler: break, ordering: none}
  statemachine:
    engine: engine
    definitions:
      - name: ticket
        initialState: open
        states:
          open: {}
          solved: {}
          lost: {isFinal: true, isError: true}
        transitions:
          solve: {fromState: open, toState: solved}
          lose: {fromState: solved, toState: lost}
  pipelines:
    echo:
      steps:
        - {name: said, set: {said: "${data.text}"}}
        - {name: answer, respond: {status: 200, body: {echo: "${data.said}"}}}
    tell:
      steps:
        - {name: tell, emit: told, payload: "${data}"}
        - {name: answer, respond: {status: 202, body: {accepted: true}}}
    pass:
      steps:
        - {name: kept, set: {kept: "${data.text}"}}
        - {name: call, uses: hook, with: {text: "${data.text}"}}
    break:
      steps:
        - {name: check, validate: {schema: {type: object, properties: {text: {type: number}}}}}
"""
)
NOT_A_PAYLOAD = {
    "core_audit_entry|details",  # words of the product: verbs, names, counts
    "core_outbox|payload",  # ids and words
    "core_idempotency_key|headers",  # Location and ETag of the API; those of tenants' routes are with the body
    "core_idempotency_key|request_hash",
    "core_blob|data",  # nothing writes it yet
    "core_blob|sha256",
    "workflows_workflow|draft",  # documents
    "workflows_version|document",
    "tenants_api_key|secret_hash",
    "tenants_secret|ciphertext",  # sealed by `core.crypto`
    "tenants_secret_version|ciphertext",
}
BETWEEN = b"\0\0"  # values: no word goes over it
UNSEEN = {"password"}  # replaced before anything is kept


class Traffic:
    """What one tenant sends, each value with a word of its own."""

    def __init__(self, tenant: Any) -> None:
        self.tenant = tenant
        self.planted: dict[str, str] = {}
        self.name = f"name{uuid4().hex}"  # of a stored object: those are not sealed

    def word(self, place: str) -> str:
        """Return a word that is to be found nowhere."""
        return self.planted.setdefault(place, f"planted{uuid4().hex}")

    async def call(self, app: Any, method: str, path: str, body: Any, **headers: str) -> Any:
        """Send one request that is answered well."""
        reply = await request(app, method, f"/w/{self.tenant.slug}/all{path}", body, headers=headers)
        assert reply.status < 400, reply.body
        return reply

    async def send(self, app: Any) -> None:
        """Use everything that keeps something."""
        word = self.word
        user = {"email": f"{word('email')}@example.com", "name": word("name"), "password": word("password")}
        await self.call(app, "POST", "/auth/register", user)
        await self.call(app, "POST", "/auth/login", {"email": user["email"], "password": user["password"]})
        await self.call(app, "POST", "/notes", {"id": self.name, "text": word("stored object")})
        once = {"idempotency-key": "create"}
        await self.call(app, "POST", "/notes", {"id": "m", "text": word("stored object of a key")}, **once)
        await self.call(app, "POST", "/tickets", {"id": "t", "text": word("instance")})
        for transition, place in (("solve", "transition"), ("lose", "instance error")):
            data = {"error": word(place), "text": word(f"{place} data")}
            await self.call(app, "PUT", "/tickets/t/transition", {"transition": transition, "data": data})
        await self.call(app, "POST", "/echo", {"text": word("request")})
        await self.call(app, "POST", "/stepwise", {"text": word("request by steps")})
        once = await self.call(app, "POST", "/echo", {"text": word("kept answer")}, **{"idempotency-key": "once"})
        again = await self.call(app, "POST", "/echo", {"text": word("kept answer")}, **{"idempotency-key": "once"})
        assert (again.json(), again.headers["idempotency-replayed"]) == (once.json(), "true")
        await self.call(app, "POST", "/tell", {"text": word("message")})


def dump(database):
    """Return what stands in every table: all of its values in one text, each in the form in which it might be read.

    In one, because thousands of values are searched for hundreds of words.
    """
    found = {}
    with psycopg.connect(database.superuser_url) as connection:
        tables = connection.execute(
            "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition"
        ).fetchall()
        for (table,) in tables:
            rows = connection.execute(f'select * from "{table}"').fetchall()
            found[table] = BETWEEN.join(_readable(value) for row in rows for value in row if value is not None)
    return found


def _readable(value: Any) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode("utf-8", "replace")


def forms(word: str) -> list[bytes]:
    """Return a word as it is, in hexadecimal, and in the three ways that base64 may cut it."""
    plain = word.encode()
    cut = [base64.b64encode(b"x" * lead + plain)[4:-4] for lead in range(3)]
    return [plain, plain.hex().encode(), *cut]


@pytest.mark.spec("auth.jwt")
async def test_no_table_shows_what_two_tenants_sent(database, two_tenants, ingress, worker):
    traffic = [Traffic(tenant) for tenant in two_tenants]
    with receiving() as partner:
        document = DOCUMENT % partner.address
        for each in traffic:
            workflow = await deployed(each.tenant, "all", document)
            await each.send(ingress)
            await ended(each.tenant, await start(each.tenant, workflow, "pass", {"text": each.word("run")}))
            await ended_of(each.tenant, "message", 3)
    words = {f"{each.tenant.slug}: {place}": word for each in traffic for place, word in each.planted.items()}
    words |= {"a log line": "received a message"}
    found = await in_thread(dump, database)
    assert all(any(form in text for text in found.values()) for each in traffic for form in forms(each.name)[:1])
    shown = {
        (place, table)
        for place, word in words.items()
        for form in forms(word)
        for table, text in found.items()
        if form in text
    }
    assert shown == set()
    for each in traffic:
        await _is_all_shown_to(each)


async def _is_all_shown_to(traffic: Traffic) -> None:
    """The tenant itself sees what the database does not show."""
    tenant = traffic.tenant
    runs = [await the(tenant, run_get, run_id=run["id"]) for run in (await the(tenant, run_list)).items]
    messages = [await the(tenant, message_get, message_id=m["id"]) for m in (await the(tenant, message_list)).items]
    kept = (await the(tenant, instance_list)).items
    instances = [await the(tenant, instance_get, instance_id=each["id"]) for each in kept]
    told = orjson.dumps([runs, messages, instances]).decode()
    assert [place for place, word in traffic.planted.items() if word not in told and place not in UNSEEN] == []
    assert "received a message" in told
    assert instances[0]["error"] == traffic.planted["instance error"]


@pytest.fixture
def columns(database):
    """Return `<table>|<column>` of every column of bytes or JSON."""
    with psycopg.connect(database.superuser_url) as connection:
        found = connection.execute(
            "select c.relname || '|' || a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid"
            " join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' and c.relkind in ('r', 'p')"
            " and not c.relispartition and a.attnum > 0 and not a.attisdropped"
            " and a.atttypid in ('bytea'::regtype, 'json'::regtype, 'jsonb'::regtype)"
        )
        return {row[0] for row in found}


def test_every_column_that_could_hold_a_payload_is_sealed_or_on_the_list_of_those_that_do_not(columns):
    ours = {name for name in columns if not name.startswith(("django_", "auth_"))}
    assert ours - COLUMNS == NOT_A_PAYLOAD
    assert ours >= COLUMNS


async def test_every_payload_in_the_tables_is_an_envelope(database, two_tenants, ingress, worker):
    tenant, other = two_tenants
    with receiving() as partner:
        workflow = await deployed(tenant, "all", DOCUMENT % partner.address)
        await deployed(other, "all", DOCUMENT % partner.address)
        sent = Traffic(tenant)
        await sent.send(ingress)
        await ended(tenant, await start(tenant, workflow, "pass", {"text": "x"}))
        await ended_of(tenant, "message", 3)
    seen = set()

    def look():
        with psycopg.connect(database.superuser_url) as connection:
            for place in COLUMNS:
                table, column = place.split("|")
                for (value,) in connection.execute(
                    f"select {column} from {table} where tenant_id = %s and {column} is not null", [tenant.id]
                ):
                    seen.add(place)
                    assert value[:1] == MARK or place == "runs_step|logs", place
                    if place != "runs_step|logs":
                        opened(value, tenant.id, place)

    await in_thread(look)
    assert COLUMNS - seen == set()


async def test_the_kept_answer_of_an_idempotency_key_of_before_is_given_again(database, two_tenants, ingress):
    tenant, _ = two_tenants
    with receiving() as partner:
        await deployed(tenant, "all", DOCUMENT % partner.address)
    sent = Traffic(tenant)
    reply = await sent.call(ingress, "POST", "/echo", {"text": "x"}, **{"idempotency-key": "old"})

    def as_before():
        with psycopg.connect(database.superuser_url) as connection:
            row = connection.execute("select id, body from core_idempotency_key where tenant_id = %s", [tenant.id])
            identity, body = row.fetchone()
            headers, _, plain = opened(body, tenant.id, ANSWER_BODY).partition(b"\n")
            connection.execute(
                "update core_idempotency_key set headers = %s, body = %s where id = %s",
                [headers.decode(), plain, identity],
            )

    await in_thread(as_before)
    again = await sent.call(ingress, "POST", "/echo", {"text": "x"}, **{"idempotency-key": "old"})
    assert (again.body, again.headers["idempotency-replayed"]) == (reply.body, "true")


async def test_a_run_whose_key_is_gone_is_shown_as_that(database, two_tenants, ingress, settings):
    tenant, _ = two_tenants
    with receiving() as partner:
        await deployed(tenant, "all", DOCUMENT % partner.address)
    await Traffic(tenant).call(ingress, "POST", "/echo", {"text": "x"})
    run_id = (await the(tenant, run_list)).items[0]["id"]
    settings.ENCRYPTION_KEYS = [base64.b64encode(b"z" * 32).decode()]
    shown = await in_thread(lambda: client_for(tenant).get(f"runs/{run_id}").json())
    assert (shown["state"], shown["input"], shown["steps"]) == ("done", UNDECIPHERABLE, [])
