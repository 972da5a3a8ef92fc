"""The value of a secret is not in what leaves, waits for a person or is printed: spans, doubts, dead letters, logs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from apps.core.scope import SYSTEM, scope
from apps.engine.run.program import HIDDEN
from apps.runs.adapters.threads import in_thread
from apps.runs.models import Step
from apps.runs.operations.runs import run_start
from tests.integration.runs.documents import HEAD
from tests.integration.runs.test_secrets_hidden import found_in, put, shown_to, values
from tests.support.clients import browser_for, client_for
from tests.support.examples.runs import one_of_each
from tests.support.runs import ended, ended_of, the
from tests.support.serving import deployed, request
from tests.support.upstream import upstream

__all__ = ["values"]  # a fixture

pytestmark = pytest.mark.spec("CAT-B2.15")

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = (
    HEAD
    + """\
  - {name: engine, type: statemachine.engine}
  - {name: states, type: state.tracker}
  - {name: broker, type: messaging.broker}
  - {name: hub, type: integration.registry}
  - {name: traces, type: observability.otel, config: {endpoint: "http://%s", serviceName: shop}}
workflows:
  messaging:
    subscriptions:
      - {topic: crm.paid, handler: refuse}
  integration:
    registry: hub
    connectors:
      - {name: crm, type: webhook, config: {path: /hooks}}
  pipelines:
    refuse:
      steps:
        - {name: ask, uses: states, with: {resourceType: "${data.note} of", id: "Bearer ${TOKEN}"}}
"""
)
NAMES = (
    HEAD
    + """\
  - {name: broker, type: messaging.broker}
  - {name: engine, type: statemachine.engine}
  - {name: tickets, type: api.handler, config: {resourceName: tickets, workflowType: ticket, workflowEngine: engine}}
workflows:
  http:
    routes:
      - {method: POST, path: /tickets, handler: tickets}
  messaging:
    subscriptions: []
  statemachine:
    engine: engine
    definitions:
      - {name: ticket, initialState: open, states: {open: {}, solved: {}}, transitions: {}}
  pipelines:
    tell:
      steps:
        - {name: tell, emit: "about ${data.note}", key: "${data.note}"}
"""
)
LOGGERS = ("weft", "django.request", "uvicorn.error", "celery.worker", "celery.redirected", "httpx2", "asyncio")
PROCESS = """
import logging, sys, uuid
import django
django.setup()
from apps.runs.adapters.known import known_secrets
value = sys.argv[1]
held = known_secrets(uuid.uuid4())
held.use(value)
if sys.argv[2] == "worker":
    from config.celery import app
    app.log.setup(loglevel="INFO", redirect_stdouts=True, hostname="w")
    print("printed", value)
else:
    import uvicorn
    uvicorn.Config("config.asgi:application", log_config=None)
for name in sys.argv[3:]:
    try:
        raise ValueError("Bearer " + value)
    except ValueError:
        logging.getLogger(name).exception("about %s", value)
"""


@pytest.fixture
def collector(settings):
    """A collector of spans."""
    with upstream() as opened:
        settings.OUTBOUND_ALLOW = [opened.url.removeprefix("http://")]
        yield opened


async def test_webhooks_that_fail_leave_spans_and_dead_letters_without_the_values(
    two_tenants, collector, ingress, worker, values
):
    for tenant in two_tenants:
        value = values[tenant.id]
        await put(tenant, value)
        address = collector.url.removeprefix("http://")
        await deployed(tenant, "shop", DOCUMENT % address)
        event = {"type": "paid", "note": f"<{value}>"}
        accepted = await request(ingress, "POST", f"/w/{tenant.slug}/shop/hooks", event)
        assert accepted.status == 202, accepted.body
        runs = await ended_of(tenant, "message", 3, timeout=40)
        assert sorted(run["state"] for run in runs) == ["done", "done", "failed"]
    sent = b"".join(asked.body for asked in collector.calls).decode()
    assert sent.count('"failed"') == 2
    assert f"There is no <{HIDDEN}> of Bearer {HIDDEN}." in sent
    for tenant in two_tenants:
        value = values[tenant.id]
        assert found_in(sent, value) == []
        shown = await in_thread(_dead_letters, tenant)
        assert HIDDEN in shown[0]
        assert [found_in(text, value) for text in shown] == [[]] * len(shown)


def _dead_letters(tenant):
    """Return the tenant's dead letters as the API and the portal show them, and their runs."""
    client, browser = client_for(tenant), browser_for(tenant)
    letters = client.get("dead-letters")
    (letter,) = letters.json()["items"]
    pages = [f"/t/{tenant.slug}/", f"/t/{tenant.slug}/messages?dead=1", f"/t/{tenant.slug}/runs/{letter['run_id']}"]
    replies = [letters, client.get(f"runs/{letter['run_id']}"), client.get(f"messages/{letter['message_id']}")]
    replies += [browser.get(page) for page in pages]
    assert {reply.status_code for reply in replies} == {200}
    return [reply.content.decode() for reply in replies]


async def test_steps_in_doubt_are_listed_without_the_values(database, two_tenants, values):
    for tenant in two_tenants:
        await put(tenant, values[tenant.id])
        await in_thread(_in_doubt, tenant, values[tenant.id])
    for tenant in two_tenants:
        shown = await in_thread(lambda tenant=tenant: client_for(tenant).get("unknown-steps"))
        (step,) = shown.json()["items"]
        assert step["error"]["message"] == f"The bank said: Bearer {HIDDEN}"
        assert found_in(shown.content.decode(), values[tenant.id]) == []
        run = await in_thread(lambda tenant=tenant, step=step: client_for(tenant).get(f"runs/{step['run_id']}"))
        assert found_in(run.content.decode(), values[tenant.id]) == []


def _in_doubt(tenant, value):
    one_of_each(tenant)
    with scope(tenant.id, SYSTEM):
        error = orjson.dumps({"code": "effect.unknown", "message": f"The bank said: Bearer {value}"})
        assert Step.objects.filter(state="unknown").update(error=error) == 1


@pytest.mark.parametrize("process", ["web", "worker"])
def test_a_process_prints_no_value_whoever_logs_it(process):
    value = 'sk-0123456789/+="\\ end'
    printed = subprocess.run(
        [sys.executable, "-c", PROCESS, value, process, *LOGGERS],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test", "LOG_LEVEL": "INFO"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout == ""
    lines = [json.loads(line) for line in printed.stderr.splitlines()]
    assert {line["logger"] for line in lines if HIDDEN in line["event"]} == set(LOGGERS)
    assert found_in(printed.stderr, value) == []


async def test_names_that_data_made_are_shown_without_the_values(database, two_tenants, ingress, worker, values):
    for tenant in two_tenants:
        value = values[tenant.id]
        await put(tenant, value)
        workflow = await deployed(tenant, "names", NAMES)
        made = {"workflow_id": workflow.id, "environment": "prod", "workflow": "tell", "action": f"go {value}"}
        run = await the(tenant, run_start, **made, data={"note": value}, actor=tenant.actor)
        await ended(tenant, run["id"])
        assert (await request(ingress, "POST", f"/w/{tenant.slug}/names/tickets", {"id": f"t {value}"})).status == 201
    for tenant in two_tenants:
        shown = await in_thread(shown_to, tenant)
        assert f"about {HIDDEN}" in shown["messages"]
        assert f"go {HIDDEN}" in shown["runs"]
        assert f"t {HIDDEN}" in shown["instances"]
        assert [address for address, text in shown.items() if found_in(text, values[tenant.id])] == []
