"""How much a payload may weigh: up to 1 MiB works at every door, and more is refused where it comes in."""

import psycopg
import pytest

from apps.runs.adapters.payloads import LONGEST_PAYLOAD
from apps.runs.adapters.threads import in_thread
from apps.runs.queries.runs import run_get, run_list
from tests.integration.runs.documents import HEAD, ORDERS
from tests.support.clients import client_for
from tests.support.runs import ended, ended_of, start, the
from tests.support.serving import deploy, deployed, request

pytestmark = pytest.mark.spec("SPINE-B4", "SPINE-B6")

WEIGHTY = (
    HEAD
    + """\
  - {name: notes, type: api.handler, config: {resourceName: notes}}
  - {name: broker, type: messaging.broker}
workflows:
  http:
    routes:
      - {method: POST, path: /lane, handler: lane}
      - {method: POST, path: /at-once, handler: at-once}
      - {method: POST, path: /twice, handler: twice}
      - {method: POST, path: /seen, handler: seen}
      - {method: POST, path: /seen-by-step, handler: seen, record: step}
      - {method: POST, path: /seen-later, handler: seen, record: async}
      - {method: POST, path: /copied, handler: copied}
      - {method: POST, path: /copied-by-step, handler: copied, record: step}
      - {method: POST, path: /doubled-by-step, handler: doubled, record: step}
      - {method: POST, path: /notes, handler: notes}
  messaging:
    subscriptions:
      - {topic: lane, handler: seen}
      - {topic: at-once, handler: seen, ordering: none}
  pipelines:
    lane: {steps: [{name: tell, emit: lane, key: k, payload: "${data}"}, {respond: {status: 200, body: {told: true}}}]}
    at-once: {steps: [{name: tell, emit: at-once, payload: "${data}"}, {respond: {status: 200, body: {told: true}}}]}
    twice: {steps: [{name: tell, emit: lane, key: k, payload: {a: "${data}", b: "${data}"}}]}
    seen: {steps: [{name: seen, set: {seen: true}}]}
    copied: {steps: [{name: copy, set: {w: "${data.v}"}}, {respond: {status: 200, body: {copied: true}}}]}
    doubled: {steps: [{name: copy, set: {w: "${data.v}"}}]}
    growing:
      steps:
        - {name: one, set: {a: "${data.v}"}}
        - {name: two, set: {b: "${data.v}"}}
        - {name: three, set: {c: "${data.v}"}}
        - {name: four, set: {d: "${data.v}"}}
        - {name: five, set: {e: "${data.v}"}}
triggers:
  http:
    routes:
      - {path: /start, method: POST, workflow: seen, action: go}
"""
)
BIGGEST = {"v": "x" * (LONGEST_PAYLOAD - 1_000)}
DOORS = {  # and the source of the run that it leads to, with a worker
    "/lane": "message",
    "/at-once": "message",
    "/start": "trigger",
    "/seen": "http",
    "/seen-by-step": "http",
    "/seen-later": "http",
    "/notes": "http",
}


def stored(database, run_id):
    """Return how many bytes a run's input and its progress take up."""
    with psycopg.connect(database.superuser_url) as connection:
        return connection.execute(
            "select length(input), length(progress) from runs_run where id = %s", [run_id]
        ).fetchone()


@pytest.mark.parametrize(("path", "source"), DOORS.items())
async def test_almost_a_mebibyte_is_taken_in_at_every_door(database, two_tenants, ingress, worker, path, source):
    tenant, other = two_tenants
    await deployed(tenant, "weighty", WEIGHTY)
    reply = await request(ingress, "POST", f"/w/{tenant.slug}/weighty{path}", BIGGEST)
    assert reply.status < 300, reply.body[:300]
    runs = await ended_of(tenant, source, 1)
    assert {run["state"] for run in runs} == {"done"}
    assert (await the(other, run_list)).items == []


def test_a_run_started_through_the_api_may_be_given_almost_a_mebibyte_and_not_more(database, two_tenants):
    tenant, other = two_tenants
    workflow = deploy(tenant, "weighty", WEIGHTY)
    path = f"workflows/{workflow.id}/runs"
    wanted = {"environment": "prod", "workflow": "seen", "data": BIGGEST}
    taken = client_for(tenant).post(path, wanted)
    assert (taken.status_code, taken.json()["input"]) == (202, BIGGEST)
    refused = client_for(tenant).post(path, wanted | {"data": {"v": "x" * LONGEST_PAYLOAD}})
    assert (refused.status_code, refused.json()["code"]) == (413, "payload.too_large")
    assert refused["content-type"] == "application/problem+json"
    assert client_for(other).get("runs").json()["items"] == []


async def test_what_a_run_was_given_is_stored_once(database, two_tenants):
    tenant, _ = two_tenants
    workflow = await deployed(tenant, "weighty", WEIGHTY)
    given, progress = await in_thread(stored, database, await start(tenant, workflow, "seen", BIGGEST))
    assert given > LONGEST_PAYLOAD - 1_000
    assert progress < 1_000


async def test_a_message_that_is_too_large_is_refused_where_it_is_published(database, two_tenants, ingress):
    tenant, _ = two_tenants
    await deployed(tenant, "weighty", WEIGHTY)
    refused = await request(ingress, "POST", f"/w/{tenant.slug}/weighty/twice", {"v": "x" * 600_000})
    assert (refused.status, refused.json()["code"]) == (413, "payload.too_large")
    assert refused.headers["content-type"] == "application/problem+json"
    run = (await the(tenant, run_list)).items[0]
    steps = (await the(tenant, run_get, run_id=run["id"]))["steps"]
    assert [(step["name"], step["state"], step["error"]["code"]) for step in steps] == [
        ("tell", "failed", "payload.too_large")
    ]


async def test_a_route_answers_the_same_whether_its_steps_are_recorded_one_by_one_or_not(
    database, two_tenants, ingress
):
    tenant, _ = two_tenants
    await deployed(tenant, "weighty", WEIGHTY)
    for path in ("/copied", "/copied-by-step"):
        reply = await request(ingress, "POST", f"/w/{tenant.slug}/weighty{path}", {"v": "x" * 700_000})
        assert (reply.status, reply.json()) == (200, {"copied": True})


async def test_an_answer_that_a_durable_run_cannot_keep_is_refused(database, two_tenants, ingress):
    tenant, _ = two_tenants
    await deployed(tenant, "weighty", WEIGHTY)
    reply = await request(ingress, "POST", f"/w/{tenant.slug}/weighty/doubled-by-step", {"v": "x" * 700_000})
    assert (reply.status, reply.json()["code"]) == (413, "payload.too_large")


@pytest.mark.parametrize(("size", "failing"), [(300_000, "five"), (900_000, "four")])
async def test_a_run_that_grows_too_large_fails_at_the_step_that_made_it_so(
    database, two_tenants, worker, caplog, size, failing
):
    tenant, other = two_tenants
    workflow, others = await deployed(tenant, "weighty", WEIGHTY), await deployed(other, "orders", ORDERS)
    run = await ended(tenant, await start(tenant, workflow, "growing", {"v": "x" * size}))
    assert (run["state"], run["error"]["code"], run["error"]["step"]) == ("failed", "payload.too_large", failing)
    assert [step["state"] for step in run["steps"]][-2:] == ["done", "failed"]
    assert (await ended(other, await start(other, others, "price", {"qty": 1, "price": 1})))["state"] == "done"
    told = [record.getMessage() for record in caplog.records if run["id"] in record.getMessage()]
    assert not [line for line in told if "run.driver_failed" in line]
