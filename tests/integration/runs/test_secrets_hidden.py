"""The value of a secret is nowhere to be seen: two tenants' documents echo theirs in every way there is."""

import base64
import io
import json
import logging
import logging.config
from urllib.parse import quote
from uuid import uuid4

import pytest
import structlog

from apps.core.scope import SYSTEM, scope
from apps.engine.run.program import HIDDEN
from apps.runs.adapters.known import known_secrets
from apps.runs.adapters.threads import in_thread
from apps.tenants.operations.secrets import secret_delete, secret_set
from apps.tenants.queries import environment_get
from config.env import Environment
from config.settings.observability import logging_config
from tests.integration.runs.documents import HEAD
from tests.integration.runs.test_live import open_socket, said, sockets
from tests.integration.runs.test_sealed import dump
from tests.support.clients import browser_for, client_for
from tests.support.echo import echoing
from tests.support.runs import ended, ended_of, start
from tests.support.serving import deployed, request

__all__ = ["open_socket", "sockets"]  # fixtures

pytestmark = pytest.mark.spec("CAT-B2.15")

DOCUMENT = (
    HEAD
    + """\
  - name: partner
    type: httpclient.modular
    config: {baseURL: "http://%(partner)s", headers: {Authorization: "Bearer ${TOKEN}"}}
  - {name: broker, type: messaging.broker}
  - {name: hub, type: integration.registry}
  - {name: engine, type: statemachine.engine}
  - {name: tickets, type: api.handler, config: {resourceName: tickets, workflowType: ticket, workflowEngine: engine}}
workflows:
  http:
    routes:
      - {method: POST, path: /ask, handler: ask}
      - {method: POST, path: /stepwise, handler: ask, record: step}
      - {method: POST, path: /refuse, handler: refuse}
      - {method: POST, path: /tickets, handler: tickets}
  messaging:
    subscriptions:
      - {topic: asked, handler: break}
      - {topic: workflow.*.completed, handler: hear}
  statemachine:
    engine: engine
    definitions:
      - name: ticket
        initialState: open
        states: {open: {}, solved: {}}
        transitions: {solve: {fromState: open, toState: solved}}
  integration:
    registry: hub
    connectors:
      - name: crm
        type: http
        config:
          baseURL: "http://%(partner)s"
          authType: basic
          username: weft
          password: "secret://tenant/token#latest"
          allowPrivateIPs: true
    steps:
      - {name: look, connector: crm, action: "GET /look", input: {key: "${TOKEN}"}}
      - {name: fail, connector: crm, action: "GET /refuse", input: {key: "${TOKEN}"}}
  pipelines:
    ask:
      steps:
        - name: ask
          uses: partner
          with: {method: POST, path: /echo, query: {key: "${TOKEN}"}, body: {token: "${TOKEN} twice: ${TOKEN}"}}
        - {name: keep, set: {echo: "${steps.ask.body}", kept: plain}}
        - {name: tell, emit: asked, payload: "${data}"}
        - {name: answer, respond: {status: 200, body: {echo: "${data.echo}"}}}
    refuse:
      steps:
        - {name: ask, uses: partner, with: {path: /refuse, query: {key: "${TOKEN}"}}}
    hear:
      steps:
        - {name: heard, set: {heard: "${data}"}}
    break:
      steps:
        - {name: check, validate: {schema: {type: object, properties: {echo: {enum: [nothing]}}}}}
"""
)


def forms(value):
    """Return what must be found nowhere: the value and what becomes of it on its way."""
    cut = [base64.b64encode(b"x" * lead + value.encode()).decode()[4:-4] for lead in range(3)]
    escaped = [json.dumps(value)[1:-1], json.dumps(json.dumps(value))[3:-3]]
    return [value, *escaped, quote(value, safe=""), quote(value), *cut, value.encode().hex()]


def found_in(text, value):
    return [form for form in forms(value) if form in text]


async def put(tenant, value, name="TOKEN"):
    def store():
        with scope(tenant.id, SYSTEM):
            secret_set(environment="prod", name=name, value=value, actor=SYSTEM)

    await in_thread(store)


@pytest.fixture
def partner(settings):
    """A partner that echoes."""
    with echoing() as address:
        settings.OUTBOUND_ALLOW = [address]
        yield address


@pytest.fixture
def values(two_tenants):
    """A value of each tenant, with all that is spelt differently somewhere."""
    return {tenant.id: f'sk-{uuid4().hex}/+"={{&%}} \\end' for tenant in two_tenants}


async def use(tenant, ingress, partner, value):
    """Have everything that keeps or shows something meet the value; return the answers of the tenant's own routes."""
    await put(tenant, value)
    workflow = await deployed(tenant, "echo", DOCUMENT % {"partner": partner})
    address = f"/w/{tenant.slug}/echo"
    answers = {
        path: await request(ingress, "POST", f"{address}{path}", {"text": f"<{value}>"})
        for path in ("/ask", "/stepwise", "/refuse")
    }
    await request(ingress, "POST", f"{address}/tickets", {"id": "t", "note": f"about {value}"})
    for name in ("ask", "refuse", "integration"):
        await ended(tenant, await start(tenant, workflow, name, {"text": value}), timeout=30)
    await ended_of(tenant, "message", 7, timeout=30)
    return answers


def shown_to(tenant):
    """Return everything that the API and the portal show of a tenant's runs, messages and instances, by address."""
    client, browser = client_for(tenant), browser_for(tenant)
    shown = {}
    for what in ("runs", "messages", "instances"):
        items = client.get(f"{what}?limit=100").json()["items"]
        assert items, what
        for address in [what, *(f"{what}/{item['id']}" for item in items)]:
            page = f"/t/{tenant.slug}/{address}"
            shown |= {address: client.get(address), page: browser.get(page)}
    for address in ("dead-letters", "unknown-steps", "environments/prod/secrets"):
        shown[address] = client.get(address)
    assert {reply.status_code for reply in shown.values()} == {200}
    return {address: reply.content.decode() for address, reply in shown.items()}


async def followed(tenant, open_socket):
    """Return what the live socket says of each run: its state, and what has changed in it since the first change."""
    frames = []
    runs = await in_thread(lambda: client_for(tenant).get("runs?limit=100").json()["items"])
    for run in runs:
        stream = f"run:{run['id']}"
        socket, _ = await open_socket(tenant)
        frames.append(json.dumps(await said(socket, {"type": "subscribe", "stream": stream})))
        if run["sequence"] > 1:
            socket, _ = await open_socket(tenant)
            frames.append(json.dumps(await said(socket, {"type": "subscribe", "stream": stream, "after": 1})))
    return frames


async def test_nothing_shows_what_two_tenants_secrets_are(
    database, two_tenants, partner, ingress, worker, values, open_socket
):
    for tenant in two_tenants:
        value = values[tenant.id]
        answers = await use(tenant, ingress, partner, value)
        assert answers["/ask"].status == 200, answers["/ask"].body
        asked = answers["/ask"].json()["echo"]
        assert (asked["headers"]["authorization"], answers["/ask"].status) == (f"Bearer {value}", 200)
        assert json.loads(asked["body"])["token"] == f"{value} twice: {value}"
        refused = answers["/refuse"]
        assert (refused.status, refused.headers["content-type"]) == (502, "application/problem+json")
        assert found_in(refused.body.decode(), value) == []
    for tenant in two_tenants:
        value = values[tenant.id]
        shown = await in_thread(shown_to, tenant)
        assert {address: found_in(text, value) for address, text in shown.items() if found_in(text, value)} == {}
        assert "Bearer [redacted]" in "".join(shown.values())
        frames = await followed(tenant, open_socket)
        assert HIDDEN in "".join(frames)
        assert [found_in(frame, value) for frame in frames if found_in(frame, value)] == []
    tables = await in_thread(dump, database)
    for value in values.values():
        assert {table for table, held in tables.items() for form in forms(value) if form.encode() in held} == set()


async def test_a_value_of_before_stays_hidden_in_what_was_kept_under_it(two_tenants, partner, ingress, worker, values):
    tenant, _ = two_tenants
    value = values[tenant.id]
    await use(tenant, ingress, partner, value)
    await put(tenant, "the-next-value")
    shown = await in_thread(shown_to, tenant)
    assert [address for address, text in shown.items() if found_in(text, value)] == []

    def delete():
        with scope(tenant.id, SYSTEM):
            secret_delete(environment="prod", name="TOKEN", actor=SYSTEM)

    await in_thread(delete)
    shown = await in_thread(shown_to, tenant)
    assert [address for address, text in shown.items() if found_in(text, value)] == []


async def test_a_run_goes_on_with_the_value_it_was_given(two_tenants, partner, ingress, worker, values):
    """What is hidden from view is not changed: the second call sends what the first one answered."""
    tenant, _ = two_tenants
    value = values[tenant.id]
    document = DOCUMENT.replace(
        '        - {name: tell, emit: asked, payload: "${data}"}\n',
        "        - {name: again, uses: partner, with: {method: POST, path: /echo, body: "
        '{first: "${data.echo.headers}"}}}\n'
        '        - {name: last, set: {same: "${steps.again.body}"}}\n',
    ).replace('{echo: "${data.echo}"}', '{echo: "${data.same}"}')
    await put(tenant, value)
    await deployed(tenant, "echo", document % {"partner": partner})
    for path in ("/ask", "/stepwise"):
        answer = await request(ingress, "POST", f"/w/{tenant.slug}/echo{path}", {})
        assert answer.status == 200, answer.body
        assert json.loads(answer.json()["echo"]["body"])["first"]["authorization"] == f"Bearer {value}"


async def test_a_step_that_names_a_version_gets_it_and_a_missing_one_fails_saying_which(
    two_tenants, partner, ingress, worker
):
    tenant, _ = two_tenants
    for value in ("first-value", "second-value"):
        await put(tenant, value)
    text = DOCUMENT.replace("secret://tenant/token#latest", "secret://tenant/token#1") % {"partner": partner}
    text = text.replace('"Bearer ${TOKEN}"', '"secret://token#1"')
    workflow = await deployed(tenant, "echo", text)
    answer = await request(ingress, "POST", f"/w/{tenant.slug}/echo/ask", {})
    assert answer.json()["echo"]["headers"]["authorization"] == "first-value"
    for number in range(10):
        await put(tenant, f"later-value-{number}")
    run = await ended(tenant, await start(tenant, workflow, "ask", {}))
    assert run["error"] == {
        "code": "secret.missing",
        "message": "The secret TOKEN has no version 1 in prod.",
        "step": "ask",
        "status": 500,
    }


async def test_the_log_of_a_process_does_not_show_what_it_knows(two_tenants, values):
    held = []
    for tenant in two_tenants:
        with_scope = scope(tenant.id, SYSTEM)

        def prod(with_scope=with_scope):
            with with_scope:
                return environment_get(name="prod").id

        known = known_secrets(await in_thread(prod))
        known.use(values[tenant.id])
        held.append(known)
    config = logging_config(Environment())
    written = io.StringIO()
    config["handlers"]["stderr"]["stream"] = written
    formatter = logging.config.DictConfigurator(config)
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatter.configure_formatter(config["formatters"]["line"]))
    ours, theirs = logging.getLogger("test.ours"), logging.getLogger("test.theirs")
    for logger in (ours, theirs):
        logger.addHandler(handler)
    for value in values.values():
        try:
            raise ValueError(f"Bearer {value}")
        except ValueError:
            structlog.get_logger("test.ours").exception("route.bug", header=f"Bearer {value}")
            theirs.exception("no luck with %s", quote(value, safe=""))
    lines = written.getvalue().splitlines()
    assert len(lines) == 4
    for value in values.values():
        assert found_in(written.getvalue(), value) == []
    assert json.loads(lines[0])["header"] == f"Bearer {HIDDEN}"
    for logger in (ours, theirs):
        logger.removeHandler(handler)
