"""The ingress answers tenants' addresses, records what it did before it answers, and refuses what it must."""

import asyncio

import orjson
import psycopg
import pytest

from apps.core.scope import scope
from apps.core.sealing import opened
from apps.engine.ids import uuid7
from apps.runs.adapters.threads import in_thread
from apps.runs.queries.runs import run_get, run_list
from apps.runs.rules.sealing import RUN_INPUT, RUN_OUTPUT, RUN_STEPS
from tests.integration.runs.documents import GUARDED, LOGGED, NOTES, ORDERS, SAYS
from tests.support.database import waiting_for_locks
from tests.support.serving import deployed, redeploy, request
from tests.support.waiting import wait_for_async

SEALED = (RUN_INPUT, RUN_OUTPUT, RUN_STEPS)
GOOD = {"qty": 3, "price": 2.5}


def runs_of(database, tenant):
    with psycopg.connect(database.superuser_url) as connection:
        found = connection.execute(
            "select route, state, http_status, input, output, steps, request_id, id from runs_run"
            " where tenant_id = %s order by id",
            [tenant.id],
        )
        return [
            (
                *row[:3],
                *(opened(data, tenant.id, column) for data, column in zip(row[3:6], SEALED, strict=True)),
                *row[6:],
            )
            for row in found
        ]


@pytest.mark.spec("SPINE-B5", "SPINE-1", "SPINE-B5.1", "SPINE-B5.6", "SPINE-B5.17")
async def test_a_route_answers_and_its_run_is_stored_with_its_steps(database, two_tenants, ingress):
    tenant, other = two_tenants
    await deployed(tenant, "orders", ORDERS)
    reply = await request(ingress, "POST", f"/w/{tenant.slug}/orders/price", GOOD)
    assert (reply.status, reply.json()["total"], reply.json()["size"]) == (200, 7.5, "small")
    assert reply.headers["weft-version"] == "1"
    (route, state, status, input_, output, steps, request_id, _) = runs_of(database, tenant)[0]
    assert (route, state, status, request_id) == ("POST /price", "done", 200, reply.headers["x-request-id"])
    assert orjson.loads(input_) == GOOD
    assert orjson.loads(output)["size"] == "small"
    assert [step[0] for step in orjson.loads(steps)] != []
    assert runs_of(database, other) == []


@pytest.mark.spec("SPINE-B5.2")
async def test_two_tenants_may_use_one_slug_and_see_their_own(database, two_tenants, ingress):
    first, second = two_tenants
    await deployed(first, "orders", ORDERS)
    await deployed(second, "orders", ORDERS)
    await request(ingress, "POST", f"/w/{first.slug}/orders/orders", {"id": "1", "of": "first"})
    mine = await request(ingress, "GET", f"/w/{first.slug}/orders/orders/1")
    theirs = await request(ingress, "GET", f"/w/{second.slug}/orders/orders/1")
    assert (mine.status, mine.json()["data"]["of"], theirs.status) == (200, "first", 404)


@pytest.mark.spec("SPINE-B6.2")
async def test_what_a_request_wrote_is_committed_with_its_run(database, two_tenants, ingress):
    tenant, _ = two_tenants
    await deployed(tenant, "orders", ORDERS)
    reply = await request(ingress, "POST", f"/w/{tenant.slug}/orders/orders", {"id": "7", "name": "lamp"})
    assert reply.status == 201
    with psycopg.connect(database.superuser_url) as connection:
        run = connection.execute("select xmin::text from runs_run where tenant_id = %s", [tenant.id]).fetchone()
        kept = connection.execute("select xmin::text from runs_storedresource where tenant_id = %s", [tenant.id])
        assert run == kept.fetchone()


@pytest.mark.spec("SPINE-B5.2")
async def test_an_environment_and_a_tenant_host_name_the_same_workflow(database, two_tenants, ingress):
    tenant, _ = two_tenants
    await deployed(tenant, "orders", ORDERS, environment="staging")
    by_path = await request(ingress, "POST", f"/w/{tenant.slug}/staging~orders/price", GOOD)
    host = {"host": f"staging--{tenant.slug}.localhost"}
    by_host = await request(ingress, "POST", "/orders/price", GOOD, headers=host)
    production = await request(ingress, "POST", f"/w/{tenant.slug}/orders/price", GOOD)
    assert (by_path.status, by_host.status, production.status) == (200, 200, 404)


@pytest.mark.spec("SPINE-B5.11")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/nothing", 404), ("DELETE", "/price", 405), ("POST", "/price", 413)],
)
async def test_refusals_are_problems(database, two_tenants, ingress, method, path, status):
    tenant, _ = two_tenants
    await deployed(tenant, "orders", ORDERS)
    body = b"x" * (1024 * 1024 + 1) if status == 413 else orjson.dumps(GOOD)
    reply = await request(ingress, method, f"/w/{tenant.slug}/orders{path}", body)
    assert (reply.status, reply.headers["content-type"]) == (status, "application/problem+json")
    assert reply.json()["requestId"] == reply.headers["x-request-id"]
    assert ("POST" in reply.headers.get("allow", "")) is (status == 405)


@pytest.mark.spec("D1", "CAT-B2.9")
async def test_a_trigger_of_a_workflow_that_does_not_exist_is_404_and_a_failed_run(database, two_tenants, ingress):
    tenant, other = two_tenants
    await deployed(tenant, "orders", ORDERS.replace("workflow: price", "workflow: prize"))
    reply = await request(ingress, "POST", f"/w/{tenant.slug}/orders/start", GOOD)
    assert (reply.status, reply.json()["code"]) == (404, "workflow.unknown")
    assert [run[:3] for run in runs_of(database, tenant)] == [("POST /start", "failed", 404)]
    assert runs_of(database, other) == []


@pytest.mark.spec("SPINE-2", "SPINE-B5.11")
async def test_bad_input_is_told_where_it_is_bad(database, two_tenants, ingress):
    tenant, _ = two_tenants
    await deployed(tenant, "orders", ORDERS)
    address = f"/w/{tenant.slug}/orders/price"
    malformed = await request(ingress, "POST", address, b'{"qty": 1,}')
    invalid = await request(ingress, "POST", address, {"qty": "many", "price": 1})
    typed = await request(ingress, "POST", address, b"<a/>", headers={"content-type": "application/xml"})
    assert (malformed.status, typed.status) == (400, 415)
    assert "line 1, column" in malformed.json()["errors"][0]["message"]
    assert invalid.status in (400, 422)
    assert invalid.json()["errors"][0]["pointer"] == "/qty"


@pytest.mark.spec("SPINE-B5.10", "SPINE-B5.9")
async def test_a_foreign_host_and_a_hostile_header_are_refused(database, two_tenants, ingress):
    tenant, _ = two_tenants
    await deployed(tenant, "orders", ORDERS)
    address = f"/w/{tenant.slug}/orders/price"
    foreign = await request(ingress, "POST", address, GOOD, headers={"host": "evil.example"})
    hostile = await request(ingress, "POST", address, GOOD, headers={"x-request-id": 'a"\x01b'})
    assert foreign.status == 400
    assert hostile.headers["x-request-id"].isalnum()


@pytest.mark.spec("SPINE-B5.12")
async def test_answers_under_the_shared_origin_are_sandboxed(database, two_tenants, ingress):
    tenant, _ = two_tenants
    await deployed(tenant, "orders", ORDERS)
    reply = await request(ingress, "POST", f"/w/{tenant.slug}/orders/price", GOOD, headers={"cookie": "weft=1"})
    assert reply.headers["content-security-policy"] == "sandbox"
    assert reply.headers["x-content-type-options"] == "nosniff"


@pytest.mark.spec("SPINE-B5.12", "SPINE-B5.9")
async def test_a_header_of_ours_that_a_document_says_too_is_sent_once(database, two_tenants, ingress):
    tenant, other = two_tenants
    await deployed(tenant, "guarded", GUARDED)
    await deployed(other, "orders", ORDERS)
    ours = {"x-content-type-options": "nosniff", "referrer-policy": "same-origin"}
    shared = await request(ingress, "POST", f"/w/{tenant.slug}/guarded/said", {}, headers={"x-request-id": "mine"})
    assert shared.status == 200
    assert shared.said("referrer-policy") == ["no-referrer"]
    assert shared.said("x-content-type-options") == ["sniff"]
    assert shared.said("x-request-id") == ["mine"]
    assert shared.said("weft-version") == ["1"]
    assert shared.said("content-length") == [str(len(shared.body))]
    assert sorted(shared.said("content-security-policy")) == ["default-src 'none'", "sandbox"]
    assert shared.said("set-cookie") == shared.said("clear-site-data") == []
    host = {"host": f"{tenant.slug}.localhost"}
    alone = await request(ingress, "POST", "/guarded/said", {}, headers=host)
    assert alone.said("content-security-policy") == ["default-src 'none'"]
    assert (alone.said("set-cookie"), alone.said("clear-site-data")) == (["a=b"], ['"cookies"'])
    plain = await request(ingress, "POST", f"/w/{other.slug}/orders/price", GOOD)
    assert {name: plain.said(name) for name in ours} == {name: [value] for name, value in ours.items()}


@pytest.mark.spec("SPINE-B5", "SPINE-B5.6")
async def test_what_is_not_recorded_leaves_no_row_and_what_is_recorded_later_comes(database, two_tenants, ingress):
    tenant, _ = two_tenants
    await deployed(tenant, "orders", ORDERS)
    await request(ingress, "POST", f"/w/{tenant.slug}/orders/quiet", GOOD)
    await request(ingress, "POST", f"/w/{tenant.slug}/orders/later", GOOD)

    async def rows():
        return [row[0] for row in runs_of(database, tenant)]

    assert await wait_for_async(rows) == ["POST /later"]


@pytest.mark.spec("SPINE-B5", "SPINE-B6.2")
async def test_one_key_does_the_work_once_and_gives_the_same_answer(database, two_tenants, ingress):
    tenant, _ = two_tenants
    await deployed(tenant, "orders", ORDERS)
    address, key = f"/w/{tenant.slug}/orders/orders", {"idempotency-key": "k-1"}
    first = await request(ingress, "POST", address, {"name": "lamp"}, headers=key)
    again = await request(ingress, "POST", address, {"name": "lamp"}, headers=key)
    other = await request(ingress, "POST", address, {"name": "table"}, headers=key)
    assert (first.status, again.status, other.status) == (201, 201, 422)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    listed = await request(ingress, "GET", address)
    assert len(listed.json()) == 1


@pytest.mark.spec("SPINE-B6.2")
async def test_requests_with_one_key_at_one_time_do_not_both_work(database, two_tenants, ingress):
    tenant, _ = two_tenants
    await deployed(tenant, "orders", ORDERS)
    address, key = f"/w/{tenant.slug}/orders/orders", {"idempotency-key": "k-2"}
    calls = [request(ingress, "POST", address, {"name": "lamp"}, headers=key) for _ in range(6)]
    statuses = sorted(reply.status for reply in await asyncio.gather(*calls))
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert len((await request(ingress, "GET", address)).json()) == 1


@pytest.mark.spec("SPINE-6", "SPINE-B5.8")
async def test_a_deployment_takes_over_within_a_second_and_never_fails_a_request(database, two_tenants, ingress):
    tenant, _ = two_tenants
    workflow = await deployed(tenant, "orders", ORDERS)
    address = f"/w/{tenant.slug}/orders/price"
    assert (await request(ingress, "POST", address, GOOD)).headers["weft-version"] == "1"
    await in_thread(lambda: redeploy(tenant, workflow, ORDERS.replace("small}", "tiny}")))
    statuses = []

    async def is_new():
        reply = await request(ingress, "POST", address, GOOD)
        statuses.append(reply.status)
        return reply.headers["weft-version"] == "2" and reply.json()["size"] == "tiny"

    await wait_for_async(is_new, timeout=1.0)
    assert set(statuses) == {200}


@pytest.mark.spec("SPINE-B5", "SPINE-6", "SPINE-B5.5")
async def test_creates_that_arrive_together_share_commits_and_each_leaves_its_object_and_its_run(
    database, two_tenants, ingress
):
    first, second = two_tenants
    for tenant in two_tenants:
        await deployed(tenant, "notes", NOTES)
    paths = [f"/w/{(first, second)[number % 2].slug}/notes/notes" for number in range(60)]
    replies = await asyncio.gather(*(request(ingress, "POST", path, {"n": n}) for n, path in enumerate(paths)))
    assert {reply.status for reply in replies} == {201}
    listed = (await request(ingress, "GET", paths[0])).json()
    assert sorted(item["data"]["n"] for item in listed) == list(range(0, 60, 2))
    posted = [row for row in runs_of(database, first) if row[0] == "POST /notes"]
    assert len(posted) == 30


async def test_of_two_creates_with_one_key_one_is_told_that_it_is_taken(database, two_tenants, ingress):
    tenant, _ = two_tenants
    await deployed(tenant, "notes", NOTES)
    address = f"/w/{tenant.slug}/notes/notes"
    calls = [request(ingress, "POST", address, {"id": str(number // 2)}) for number in range(20)]
    statuses = sorted(reply.status for reply in await asyncio.gather(*calls))
    assert statuses == [201] * 10 + [409] * 10
    assert len((await request(ingress, "GET", address)).json()) == 10


@pytest.mark.spec("SPINE-B3", "SPINE-6")
async def test_a_tenant_whose_key_somebody_is_still_writing_holds_up_nobody_else(database, two_tenants, ingress):
    held, free = two_tenants
    workflow = await deployed(held, "notes", NOTES)
    await deployed(free, "notes", NOTES)
    addresses = [f"/w/{tenant.slug}/notes/notes" for tenant in two_tenants]
    with psycopg.connect(database.superuser_url) as someone:
        someone.execute(
            "insert into runs_storedresource (id, tenant_id, environment_id, workflow_id, kind, key, data, created_at,"
            " updated_at) select %s, tenant_id, environment_id, workflow_id, 'notes', 'one', '{}', now(), now()"
            " from workflows_deployment where workflow_id = %s",
            [uuid7(), workflow.id],
        )
        waits = asyncio.create_task(request(ingress, "POST", addresses[0], {"id": "one"}))
        await wait_for_async(lambda: in_thread(lambda: waiting_for_locks(someone) == 1))
        others = await asyncio.gather(*(request(ingress, "POST", addresses[1], {"n": n}) for n in range(20)))
        mine = await request(ingress, "POST", addresses[0], {"id": "two"})
        assert {reply.status for reply in [*others, mine]} == {201}
        assert not waits.done()
        someone.rollback()
        assert (await waits).status == 201


@pytest.mark.spec("SPINE-B5")
@pytest.mark.parametrize("status", [204, 205, 304])
async def test_an_answer_that_may_have_no_content_has_none_whatever_the_document_says(
    database, two_tenants, ingress, status
):
    tenant, _ = two_tenants
    await deployed(tenant, "says", SAYS)
    said = {"status": status, "body": "HTTP/1.1 200 OK"}
    reply = await request(ingress, "POST", f"/w/{tenant.slug}/says/anything", said)
    assert (reply.status, reply.body, reply.headers.get("content-length", "0")) == (status, b"", "0")


@pytest.mark.spec("SPINE-B5", "SPINE-B5.6")
async def test_a_route_recorded_by_step_has_a_row_per_step_and_answers_as_any_other(database, two_tenants, ingress):
    tenant, _ = two_tenants
    await deployed(tenant, "orders", ORDERS)
    address = f"/w/{tenant.slug}/orders/stepwise"
    reply = await request(ingress, "POST", address, GOOD)
    refused = await request(ingress, "POST", address, {"qty": "many", "price": 1})
    assert (reply.status, reply.json()["total"]) == (200, 7.5)
    assert refused.status in (400, 422)
    assert [(row[0], row[1]) for row in runs_of(database, tenant)] == [
        ("POST /stepwise", "done"),
        ("POST /stepwise", "failed"),
    ]
    with psycopg.connect(database.superuser_url) as connection:
        steps = connection.execute("select name, state from runs_step where tenant_id = %s order by id", [tenant.id])
        assert ("total", "done") in steps.fetchall()
        left = connection.execute("select count(*) from runs_work where tenant_id = %s", [tenant.id])
        assert left.fetchone() == (0,)


@pytest.mark.spec("SPINE-B8")
async def test_what_modules_log_while_they_answer_is_shown_with_the_run(database, two_tenants, ingress):
    tenant, other = two_tenants
    await deployed(tenant, "logged", LOGGED)
    await request(ingress, "GET", f"/w/{tenant.slug}/logged/notes")
    await request(ingress, "POST", f"/w/{tenant.slug}/logged/marked", {})

    def stories(one):
        with scope(one.id, one.actor):
            return [run_get(run_id=run["id"]) for run in run_list().items]

    marked, listed = await in_thread(stories, tenant)
    (line,) = listed["steps"]
    assert (line["name"], line["kind"], line["module"], line["state"]) == ("notes", "handler", "notes", "done")
    assert "GET" in line["logs"][0]["message"]
    step, around = marked["steps"]
    assert (step["name"], step["logs"], step["index"]) == ("mark", [], 0)
    assert (around["name"], around["index"], len(around["logs"])) == ("marked", 1, 1)
    assert await in_thread(stories, other) == []


@pytest.mark.spec("SPINE-B5", "SPINE-B6")
async def test_the_steps_of_a_request_tell_what_they_were_given(two_tenants, ingress):
    tenant, other = two_tenants
    await deployed(tenant, "orders", ORDERS)
    await request(ingress, "POST", f"/w/{tenant.slug}/orders/price", GOOD | {"password": "p"})

    def stories(one):
        with scope(one.id, one.actor):
            return [run_get(run_id=run["id"]) for run in run_list().items]

    (run,) = await in_thread(stories, tenant)
    given = {step["name"]: step["input"] for step in run["steps"]}
    assert given["total"] == GOOD | {"password": "[redacted]"}
    assert given["size"] == given["small"] == given["total"] | {"total": 7.5}
    assert await in_thread(stories, other) == []


@pytest.mark.spec("SPINE-B4", "SPINE-B5")
async def test_values_that_an_expression_cannot_take_are_422_with_the_step(two_tenants, ingress):
    for tenant in two_tenants:
        await deployed(tenant, "orders", ORDERS)
        for path in ("price", "stepwise"):
            reply = await request(ingress, "POST", f"/w/{tenant.slug}/orders/{path}", {"qty": 1e308, "price": 1e308})
            told = reply.json()
            assert (reply.status, told["code"], told["step"]) == (422, "expression.arithmetic", "total")
