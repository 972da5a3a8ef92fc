"""Each head of a lane is judged by itself: nothing that one tenant publishes keeps anybody else's messages waiting."""

import psycopg
import pytest

from apps.runs.adapters.threads import in_thread
from apps.runs.operations import worker as worker_module
from apps.runs.queries.messages import dead_letter_list
from apps.runs.queries.runs import run_get
from tests.integration.runs.documents import ORDERS
from tests.support.receiver import receiving
from tests.support.runs import ended, ended_of, start, the
from tests.support.serving import deployed, request, working
from tests.support.waiting import wait_for_async

pytestmark = pytest.mark.spec("SPINE-B6")

TELLING = ORDERS.replace(
    "modules:\n", 'modules:\n  - {name: hook, type: webhook.sender, config: {url: "http://%s/"}}\n'
)
TELLING = TELLING.replace("- {name: counted, set: {counted: true}}", "- {name: told, uses: hook, with: {n: 1}}")


def change(database, statement, *values):
    with psycopg.connect(database.superuser_url) as connection:
        connection.execute(statement, values)


async def accept(ingress, tenant, *numbers, **headers):
    """Publish orders of one customer."""
    for number in numbers:
        body = {"n": number, "customer": "c"}
        reply = await request(ingress, "POST", f"/w/{tenant.slug}/orders/accept", body, headers=headers)
        assert reply.status == 202


async def dead_letters(tenant):
    async def look():
        return (await the(tenant, dead_letter_list)).items

    return await wait_for_async(look, what="a dead letter")


async def counted(tenant, count):
    """Return the inputs of the ended runs of the ordered subscription, once there are so many."""

    async def look():
        ended_runs = await ended_of(tenant, "message", 2 * count)
        found = [await the(tenant, run_get, run_id=run["id"]) for run in ended_runs if "count" in run["definition"]]
        return [run["input"]["n"] for run in found if run["state"] == "done"]

    return await look()


async def test_a_message_that_no_run_can_be_made_of_is_a_dead_letter_that_says_why(
    database, two_tenants, ingress, caplog
):
    tenant, other = two_tenants
    for each in two_tenants:
        await deployed(each, "orders", ORDERS)
    await accept(ingress, tenant, 1, 2)
    await accept(ingress, other, 3)
    spoil = (
        "update runs_message set payload = 'no json' where id = ("
        "select id from runs_message where tenant_id = %s order by id limit 1)"
    )
    await in_thread(change, database, spoil, tenant.id)
    async with working():
        letters = await dead_letters(tenant)
        assert [letter["error"]["code"] for letter in letters] == ["message.undeliverable"]
        run = await the(tenant, run_get, run_id=letters[0]["run_id"])
        assert (run["state"], run["error"]["code"]) == ("failed", "message.undeliverable")
        assert await counted(tenant, 2) == [2]
        assert await counted(other, 1) == [3]
    assert "worker.turn_failed" not in caplog.text


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("state = 'failed' or correlation is distinct from '{}'", "message.undeliverable"),
        ("correlation is distinct from '{}'", "delivery.unheard"),
    ],
)
async def test_a_run_that_the_database_refuses_holds_up_nobody_else(database, two_tenants, ingress, caplog, rule, code):
    tenant, other = two_tenants
    lanes_only = ORDERS.replace("      - {topic: order.accepted, handler: glance, ordering: none}\n", "")
    for each in two_tenants:
        await deployed(each, "orders", lanes_only)
    await accept(ingress, tenant, 1)
    await accept(ingress, other, 2)

    def refuse():
        with psycopg.connect(database.superuser_url) as connection:
            refused = connection.execute("select id from runs_message where tenant_id = %s", [tenant.id]).fetchone()[0]
            connection.execute(f"alter table runs_run add constraint refused check ({rule.format(refused)}) not valid")

    await in_thread(refuse)
    try:
        async with working():
            letters = await dead_letters(tenant)
            await ended_of(other, "message", 1)
    finally:
        await in_thread(change, database, "alter table runs_run drop constraint refused")
    assert [letter["error"]["code"] for letter in letters] == [code]
    assert "lane.head_refused" in caplog.text


async def test_a_fault_in_one_half_of_a_turn_is_logged_and_survived(
    database, two_tenants, ingress, monkeypatch, caplog
):
    tenant, other = two_tenants
    _, others = [await deployed(each, "orders", ORDERS) for each in two_tenants]
    await accept(ingress, tenant, 1)

    async def beside_itself(*_, **__):
        raise ZeroDivisionError

    async with working():
        with monkeypatch.context() as patched:
            patched.setattr(worker_module, "lanes_advance", beside_itself)
            run_id = await start(other, others, "price", {"qty": 1, "price": 1})
            assert (await ended(other, run_id, timeout=20))["state"] == "done"
        assert "worker.turn_failed" in caplog.text
        assert await counted(tenant, 1) == [1]


async def test_the_id_of_a_request_goes_with_its_messages_to_the_partner(database, two_tenants, ingress, settings):
    tenant, other = two_tenants
    with receiving() as partner:
        settings.OUTBOUND_ALLOW = [partner.address]
        for each in two_tenants:
            await deployed(each, "orders", TELLING % partner.address)
        await accept(ingress, tenant, 1, **{"x-request-id": "my-request-77"})
        await accept(ingress, other, 1, **{"x-request-id": "your-request-78"})
        async with working():
            for each in two_tenants:
                assert {run["state"] for run in await ended_of(each, "message", 2)} == {"done"}
        assert sorted(call["x-request-id"] for call in partner.calls) == ["my-request-77", "your-request-78"]
