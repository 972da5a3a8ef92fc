"""What the ingress does for every request in place of Django's middleware: limit, count and log it."""

import json
import logging

import pytest
from django.test import RequestFactory
from prometheus_client.parser import text_string_to_metric_families

from apps.runs.adapters.threads import in_thread
from config.metrics import metrics
from tests.integration.runs.documents import ORDERS
from tests.support.serving import deployed, request, serving

GOOD = {"qty": 3, "price": 2.5}
MANY = 40


@pytest.fixture
def access_log_on():
    """Switch the access log on for doors that open now."""
    logger = logging.getLogger("weft.access")
    before = logger.level
    logger.setLevel(logging.INFO)
    yield
    logger.setLevel(before)


@pytest.mark.spec("SPINE-B5.15")
async def test_one_address_that_calls_too_often_is_told_to_come_again_and_the_others_are_served(two_tenants, settings):
    settings.CLIENT_RATE = 5
    tenant, other = two_tenants
    for each in two_tenants:
        await deployed(each, "orders", ORDERS)
    async with serving() as ingress:
        address = f"/w/{tenant.slug}/orders/price"
        replies = [await request(ingress, "POST", address, GOOD, client="10.0.0.7") for _ in range(MANY)]
        neighbour = await request(ingress, "POST", f"/w/{other.slug}/orders/price", GOOD, client="10.0.0.8")
    refused = [reply for reply in replies if reply.status == 429]
    assert {reply.status for reply in replies} == {200, 429}
    assert {(reply.json()["code"], reply.headers["retry-after"]) for reply in refused} == {("rate.client", "1")}
    assert neighbour.status == 200


@pytest.mark.spec("SPINE-B5.14")
async def test_answers_are_counted_by_tenant_route_and_class(two_tenants):
    tenant, other = two_tenants
    for each in two_tenants:
        await deployed(each, "orders", ORDERS)
    async with serving() as ingress:
        for body in (GOOD, GOOD, {"qty": "many", "price": 1}):
            await request(ingress, "POST", f"/w/{tenant.slug}/orders/price", body)
        await request(ingress, "POST", f"/w/{other.slug}/orders/price", GOOD)
        await request(ingress, "GET", f"/w/{other.slug}/orders/nowhere")
        page = await in_thread(metrics, RequestFactory().get("/metrics", REMOTE_ADDR="127.0.0.1"))
    samples = [each for family in text_string_to_metric_families(page.content.decode()) for each in family.samples]
    answers = {
        (each.labels["tenant"], each.labels["route"], each.labels["class"]): each.value
        for each in samples
        if each.name == "weft_ingress_answers_total" and each.labels["tenant"]
    }
    assert answers == {
        (tenant.slug, "POST /price", "2xx"): 2,
        (tenant.slug, "POST /price", "4xx"): 1,
        (other.slug, "POST /price", "2xx"): 1,
    }
    assert {each.labels["why"]: each.value for each in samples if each.name == "weft_ingress_refused_total"} == {
        "route": 1
    }


@pytest.mark.spec("SPINE-B5.13")
async def test_every_request_leaves_one_line_in_the_access_log(two_tenants, access_log_on, capfdbinary):
    tenant, other = two_tenants
    await deployed(tenant, "orders", ORDERS)
    async with serving() as ingress:
        served = await request(ingress, "POST", f"/w/{tenant.slug}/orders/price", GOOD, client="10.0.0.9")
        await request(ingress, "GET", f"/w/{other.slug}/orders/price")
    lines = [json.loads(line) for line in capfdbinary.readouterr().err.splitlines() if b'"event":"access"' in line]
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("POST", f"/w/{tenant.slug}/orders/price", 200),
        ("GET", f"/w/{other.slug}/orders/price", 404),
    ]
    assert (lines[0]["client"], lines[0]["request_id"]) == ("10.0.0.9", served.headers["x-request-id"])
    assert lines[0]["bytes"] == len(served.body)
