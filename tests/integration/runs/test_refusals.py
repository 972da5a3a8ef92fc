"""What a refused request wrote is rolled back; its run row and the messages that tell of the failure are not."""

import psycopg
import pytest

from tests.support.refusing import REFUSING
from tests.support.serving import deployed, request
from tests.support.waiting import wait_for_async

pytestmark = pytest.mark.spec("SPINE-B6")


def kept(database, tenant):
    """Return how many stored objects and instances a tenant has, and the topics of its messages."""
    with psycopg.connect(database.superuser_url) as connection:
        counts = [
            connection.execute(f"select count(*) from {table} where tenant_id = %s", [tenant.id]).fetchone()[0]
            for table in ("runs_storedresource", "runs_instance")
        ]
        topics = connection.execute("select topic from runs_message where tenant_id = %s order by id", [tenant.id])
        return (*counts, [row[0] for row in topics])


def runs_of(database, tenant, source):
    with psycopg.connect(database.superuser_url) as connection:
        found = connection.execute(
            "select state, http_status from runs_run where tenant_id = %s and source = %s order by id",
            [tenant.id, source],
        )
        return found.fetchall()


async def both(tenants, path, body, **headers):
    """Send one request to each tenant's copy of the document and return the answers."""
    app, pair = tenants
    return [await request(app, "POST", f"/w/{tenant.slug}/refusing{path}", body, **headers) for tenant in pair]


@pytest.fixture
async def served(database, two_tenants, ingress):
    for tenant in two_tenants:
        await deployed(tenant, "refusing", REFUSING)
    return ingress, two_tenants


async def test_a_request_that_a_step_refuses_leaves_only_its_run_and_the_message_about_it(database, served, worker):
    answers = await both(served, "/refused", {"id": "1"})
    assert [answer.status for answer in answers] == [422, 422]
    for tenant in served[1]:
        assert kept(database, tenant) == (0, 0, ["note-errors"])
        assert runs_of(database, tenant, "http") == [("done", 422)]

        async def handled(tenant=tenant):
            return [run for run in runs_of(database, tenant, "message") if run[0] == "done"]

        assert len(await wait_for_async(handled, what="the delivery of the error")) == 1


async def test_an_error_status_that_the_document_answers_keeps_what_was_written(database, served):
    answers = await both(served, "/chosen", {"id": "1"})
    assert [answer.status for answer in answers] == [409, 409]
    for tenant in served[1]:
        assert kept(database, tenant) == (1, 1, ["note.told"])


async def test_a_refusal_is_not_remembered_for_its_idempotency_key_but_a_chosen_answer_is(database, served):
    key = {"headers": {"idempotency-key": "k-1"}}
    for _ in range(2):
        for answer in await both(served, "/refused", {"id": "1"}, **key):
            assert (answer.status, "idempotency-replayed" in answer.headers) == (422, False)
    await both(served, "/chosen", {"id": "2"}, **key)
    again = await both(served, "/chosen", {"id": "2"}, **key)
    assert [(answer.status, answer.headers["idempotency-replayed"]) for answer in again] == [(409, "true")] * 2
    for tenant in served[1]:
        assert kept(database, tenant)[:2] == (1, 1)


async def test_a_module_that_answers_a_refusal_by_itself_leaves_nothing(database, served):
    app, pair = served
    await both(served, "/cases", {"id": "7"})
    for tenant in pair:
        before = kept(database, tenant)
        path = f"/w/{tenant.slug}/refusing/cases/7/transition"
        assert (await request(app, "PUT", path, {"transition": "end"})).status == 400
        assert kept(database, tenant) == before
        assert before[1] == 0
