"""The examples of the module types do what they say, on the local host."""

from pathlib import Path

import pytest

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.testing import Bench
from apps.modules.queries import registry

EXAMPLES = Path(__file__).parents[3] / "examples" / "modules"
SECRETS = {
    "JWT_SECRET": "s" * 40,
    "PARTNER_TOKEN": "t0ken",
    "PARTNER_SECRET": "whsec_c2VjcmV0",
    "SLACK_WEBHOOK_URL": "https://hooks.slack.example/T/B",
    "STORE_KEY_ID": "AKIAEXAMPLE",
    "STORE_KEY": "k3y",
    "NATS_URL": "nats://tester:pass@nats.example",
    "KAFKA_BROKER": "kafka.example",
}

pytestmark = pytest.mark.spec("SPINE-B4", "SPINE-B4.23")


def bench(stem):
    document = load((EXAMPLES / f"{stem}.yaml").read_text()).document
    beside = lambda name: (EXAMPLES / name).read_bytes()  # noqa: E731
    return Bench(compile_document(document, registry(), read_file=beside), secrets=SECRETS)


async def text(found, method, path, **more):
    answer = await found.request(method, path, **more)
    return answer.status, answer.body.decode()


@pytest.mark.shows("http.server", "example")
async def test_http_server():
    async with bench("http_server") as found:
        assert (await found.request("GET", "/hello")).json() == {"hello": "world"}


@pytest.mark.shows("http.router", "example")
async def test_http_router():
    async with bench("http_router") as found:
        paths = ("/files/a", "/files/readme", "/files/a/b/c")
        answers = [(await found.request("GET", path)).body.decode() for path in paths]
        assert answers == ["one file", "the readme", "any file below"]


@pytest.mark.shows("http.handler", "example")
async def test_http_handler():
    async with bench("http_handler") as found:
        assert (await found.request("GET", "/standard")).json()["handler"] == "standard"
        assert await text(found, "GET", "/page") == (200, "<h1>Back soon</h1>")
        assert (await found.request("GET", "/old")).status == 410


@pytest.mark.shows("api.handler", "example")
async def test_api_handler():
    async with bench("api_handler") as found:
        made = await found.request("POST", "/orders", body={"customer": "Ann", "total": 3, "password": "x"})
        identity = made.json()["id"]
        assert (made.status, made.json()["state"], made.json()["data"]["priority"]) == (201, "new", "normal")
        assert (await found.request("POST", f"/orders/{identity}/messages", body={"body": "soon?"})).status == 201
        assert (await found.request("GET", f"/orders/{identity}")).json()["data"]["lastMessage"] == "soon?"
        (group,) = (await found.request("GET", "/orders/health")).json()["programs"]
        assert (group["programId"], group["depth"], group["alertThreshold"]) == ("Ann", 1, 1)
        assert (await found.request("PUT", f"/orders/{identity}", body={"customer": "Ann", "total": 4})).status == 200
        paid = await found.request("PUT", f"/orders/{identity}/transition", body={"transition": "pay"})
        assert (paid.status, paid.json()["state"]) == (200, "paid")
        refused = await found.request("POST", f"/orders/{identity}/cancel", body={})
        assert refused.status == 400
        summary = (await found.request("GET", f"/orders/{identity}/summary")).json()
        assert (summary["state"], summary["customer"], summary["total"]) == ("paid", "Ann", 4)
        assert [row["state"] for row in (await found.request("GET", "/orders")).json()] == ["paid"]
        await found.settle()
        assert (await found.request("DELETE", f"/orders/{identity}")).status == 204
        assert (await found.request("GET", f"/orders/{identity}")).status == 404
        assert (await found.request("PATCH", f"/orders/{identity}")).status == 405


@pytest.mark.shows("http.middleware.auth", "example")
async def test_http_middleware_auth_and_auth_jwt():
    async with bench("http_middleware_auth") as found:
        tokens = []
        for name in ("ann", "bob"):
            body = {"email": f"{name}@shop.example", "name": name, "password": "pa55word"}
            tokens.append((await found.request("POST", "/auth/register", body=body)).json()["token"])
        ann, bob = ({"authorization": f"Bearer {token}"} for token in tokens)
        assert (await found.request("POST", "/notes", body={"text": "hers"}, headers=ann)).status == 201
        assert len((await found.request("GET", "/notes", headers=ann)).json()) == 1
        assert (await found.request("GET", "/notes", headers=bob)).json() == []
        assert (await found.request("GET", "/notes")).status == 401


@pytest.mark.shows("auth.jwt", "example")
async def test_auth_jwt():
    async with bench("auth_jwt") as found:
        body = {"email": "ann@shop.example", "name": "Ann", "password": "pa55word"}
        assert (await found.request("POST", "/auth/register", body=body)).status == 201
        assert (await found.request("POST", "/auth/register", body=body)).status == 409
        token = (await found.request("POST", "/auth/login", body=body)).json()["token"]
        headers = {"authorization": f"Bearer {token}"}
        assert (await found.request("PUT", "/auth/profile", body={"name": "Anna"}, headers=headers)).status == 200
        assert (await found.request("GET", "/auth/profile", headers=headers)).json()["name"] == "Anna"


@pytest.mark.shows("auth.modular", "example")
async def test_auth_modular():
    async with bench("auth_modular") as found:
        weak = {"email": "ann@shop.example", "password": "Password12"}
        assert (await found.request("POST", "/auth/register", body=weak)).status == 422
        made = await found.request("POST", "/auth/register", body={**weak, "password": "Password-12"})
        assert made.status == 201
        cookie = made.headers["set-cookie"].partition(";")[0]
        token = {"authorization": f"Bearer {made.json()['token']}"}
        for headers, status in ((token, 200), ({"cookie": cookie}, 200), ({}, 401), ({"cookie": "reader=x.y"}, 401)):
            assert (await found.request("GET", "/desk", headers=headers)).status == status
        assert (await found.request("POST", "/auth/logout", body={}, headers={"cookie": cookie})).status == 204
        assert (await found.request("GET", "/desk", headers={"cookie": cookie})).status == 401


@pytest.mark.shows("http.middleware.cors", "example")
async def test_http_middleware_cors():
    async with bench("http_middleware_cors") as found:
        headers = {"origin": "https://shop.example", "access-control-request-method": "GET"}
        preflight = await found.request("OPTIONS", "/stock", headers=headers)
        assert preflight.headers["access-control-allow-origin"] == "https://shop.example"
        assert (await found.request("GET", "/stock", headers=headers)).headers["vary"] == "Origin"
        assert "access-control-allow-origin" not in (await found.request("GET", "/stock")).headers


@pytest.mark.shows("http.middleware.logging", "example")
async def test_http_middleware_logging():
    async with bench("http_middleware_logging") as found:
        assert (await found.request("GET", "/hello")).status == 200


@pytest.mark.shows("http.middleware.ratelimit", "example")
async def test_http_middleware_ratelimit():
    async with bench("http_middleware_ratelimit") as found:
        assert [(await found.request("GET", "/hello")).status for _ in range(3)] == [200, 200, 429]
        found.clock.advance(10)
        assert (await found.request("GET", "/hello")).status == 200


@pytest.mark.shows("http.middleware.requestid", "example")
async def test_http_middleware_requestid():
    async with bench("http_middleware_requestid") as found:
        answer = await found.request("GET", "/hello", headers={"x-correlation-id": "c-1"})
        assert answer.headers["x-correlation-id"] == "c-1"


@pytest.mark.shows("http.middleware.securityheaders", "example")
async def test_http_middleware_securityheaders():
    async with bench("http_middleware_securityheaders") as found:
        headers = (await found.request("GET", "/page")).headers
        assert headers["x-frame-options"] == "SAMEORIGIN"
        assert "strict-transport-security" not in headers


@pytest.mark.shows("messaging.broker", "example")
async def test_messaging_broker():
    async with bench("messaging_broker") as found:
        assert (await found.request("POST", "/orders", body={"id": "a"})).status == 202
        await found.settle()
        assert sorted(reached(found)) == ["everything", "stock"]
        assert found.host.bugs == []


@pytest.mark.shows("messaging.handler", "example")
async def test_messaging_handler():
    async with bench("messaging_handler") as found:
        assert (await found.request("POST", "/parcels", body={"id": "a"})).status == 200
        await found.settle()
        assert reached(found) == ["sorted", "shelved"]
        assert found.host.bugs == []


def reached(found):
    """Return the handlers that took a message in, in the order in which they did."""
    runs = found.host.queue.runs("local", source="message")
    return [run["workflow"] for run in runs if run["status"] == "done"]


@pytest.mark.shows("statemachine.engine", "example")
async def test_statemachine_engine():
    async with bench("statemachine_engine") as found:
        identity = (await found.request("POST", "/tickets", body={"question": "why"})).json()["id"]
        body = {"transition": "solve", "data": {"answer": "because"}}
        assert (await found.request("PUT", f"/tickets/{identity}/transition", body=body)).json()["state"] == "solved"
        await found.settle()
        shown = (await found.request("GET", f"/tickets/{identity}")).json()
        assert (shown["state"], shown["data"]["answer"]) == ("closed", "because")


@pytest.mark.shows("state.tracker", "example")
async def test_state_tracker():
    async with bench("state_tracker") as found:
        identity = (await found.request("POST", "/tickets", body={})).json()["id"]
        await found.request("PUT", f"/tickets/{identity}/transition", body={"transition": "close"})
        assert (await found.request("GET", f"/states/{identity}")).json() == {"id": identity, "state": "closed"}
        assert (await found.request("GET", "/states/nobody")).status == 404


@pytest.mark.shows("state.connector", "example")
async def test_state_connector():
    async with bench("state_connector") as found:
        await found.request("POST", "/tickets", body={"id": "t1"})
        await found.request("PUT", "/tickets/t1/transition", body={"transition": "close"})
        assert (await found.request("GET", "/tickets/t1")).json()["state"] == "closed"


@pytest.mark.spec("D5", "D6")
@pytest.mark.parametrize(("wish", "state"), [("ok", "paid"), ("decline", "declined"), ("error", "declined")])
@pytest.mark.shows("processing.step", "example")
async def test_processing_step(wish, state):
    async with bench("processing_step") as found:
        made = await found.request("POST", "/orders", body={"id": wish, "simulate": wish})
        assert (made.status, made.json()["state"]) == (201, "charging")
        await found.settle()
        assert (await found.request("GET", f"/orders/{wish}")).json()["state"] == state


@pytest.mark.shows("data.transformer", "example")
async def test_data_transformer():
    async with bench("data_transformer") as found:
        body = {"envelope": {"order": {"sku": "a", "qty": 2, "card": "4111"}}}
        assert (await found.request("POST", "/orders", body=body)).json() == {"sku": "a", "quantity": 2}
        assert (await found.request("POST", "/orders", body={})).status == 422


@pytest.mark.shows("conditional.ifelse", "example")
async def test_conditional_ifelse():
    async with bench("conditional_ifelse") as found:
        of_the_house = {"total": 5000, "customer": "house"}
        for order, taken in (({"total": 5}, True), ({"total": 5000}, False), (of_the_house, True)):
            answer = await found.request("POST", "/orders", body=order)
            assert (answer.status, answer.json()["taken"]) == (202, taken)


@pytest.mark.shows("conditional.switch", "example")
async def test_conditional_switch():
    async with bench("conditional_switch") as found:
        for mark, way in (("fragile", "by hand"), (2, "second floor"), ("2", "second floor"), (None, "counter")):
            body = {"parcel": {"mark": mark}}
            assert (await found.request("POST", "/parcels", body=body)).json() == {"to": way}


@pytest.mark.shows("conditional.expression", "example")
async def test_conditional_expression():
    async with bench("conditional_expression") as found:
        for region in ("north", "south", "west"):
            assert (await found.request("POST", "/letters", body={"letter": {"region": region}})).status == 202
        await found.settle()
        runs = [run for run in found.host.queue.runs("local") if run["workflow"] == "by-region"]
        desks = [run["steps"][-2]["name"] for run in runs]
        assert sorted(desks) == ["handle/abroad-desk", "handle/north-desk", "handle/south-desk"]


@pytest.mark.shows("cache.modular", "example")
async def test_cache_modular():
    async with bench("cache_modular") as found:
        answers = [(await found.request("GET", "/prices/chair")).json() for _ in range(2)]
        assert answers == [{"price": 25, "fresh": True}, {"price": 25, "fresh": False}]
        assert (await found.request("DELETE", "/prices")).json() == {"forgotten": True}
        assert (await found.request("GET", "/prices/chair")).json()["fresh"] is True
        found.clock.advance(61)
        assert (await found.request("GET", "/prices/chair")).json()["fresh"] is True


@pytest.mark.shows("database.modular", "example")
async def test_database_modular():
    async with bench("database_modular") as found:
        for sku in ("a", "b"):
            assert (await found.request("POST", "/orders", body={"sku": sku})).status == 201
        assert (await found.request("GET", "/report")).json() == [{"n": 2}]


@pytest.mark.shows("database.workflow", "example")
async def test_database_workflow():
    async with bench("database_workflow") as found:
        for count in (3, 5):
            assert (await found.request("POST", "/stock", body={"sku": "a'; --", "count": count})).status == 201
        rows = (await found.request("GET", "/stock/a'; --")).json()
        assert rows == [{"sku": "a'; --", "count": 5}]


@pytest.mark.shows("persistence.store", "example")
async def test_persistence_store():
    async with bench("persistence_store") as found:
        identity = (await found.request("POST", "/letters", body={"to": "Ann"})).json()["id"]
        assert (await found.request("GET", f"/letters/{identity}")).json()["data"] == {"to": "Ann"}


@pytest.mark.shows("static.fileserver", "example")
async def test_static_fileserver():
    async with bench("static_fileserver") as found:
        assert (await found.request("GET", "/shop/house.css")).headers["content-type"] == "text/css; charset=utf-8"
        for address in ("/shop/", "/shop/index.html", "/shop/offers/7"):
            status, page = await text(found, "GET", address)
            assert (status, "<title>" in page) == (200, True)
        assert (await found.request("GET", "/shop/hours")).json() == {"open": "9 to 5"}
        assert (await found.request("GET", "/elsewhere")).status == 404


@pytest.mark.shows("chimux.router", "example")
async def test_chimux_router():
    async with bench("chimux_router") as found:
        page = {"origin": "https://pages.example", "access-control-request-method": "GET"}
        preflight = await found.request("OPTIONS", "/shop/stock", headers=page)
        assert preflight.headers["access-control-allow-origin"] == "https://pages.example"
        answer = await found.request("GET", "/shop/stock", headers={"origin": "https://other.example"})
        assert (answer.status, answer.json()) == (200, {"chairs": 4})
        assert "access-control-allow-origin" not in answer.headers
        assert (await found.request("GET", "/stock")).status == 404


@pytest.mark.shows("httpserver.modular", "example")
async def test_httpserver_modular():
    async with bench("httpserver_modular") as found:
        assert (await found.request("GET", "/hello")).json() == {"hello": "framework"}


@pytest.mark.shows("metrics.collector", "example")
async def test_metrics_collector():
    async with bench("metrics_collector") as found:
        await found.request("GET", "/hello")
        status, page = await text(found, "GET", "/metrics")
        assert status == 200
        assert "shop_http_requests_total" in page


@pytest.mark.shows("health.checker", "example")
async def test_health_checker():
    async with bench("health_checker") as found:
        assert (await found.request("GET", "/readyz")).json() == {"status": "ready"}
        assert (await found.request("GET", "/health")).json()["checks"] == {"archive": {"status": "healthy"}}
        assert (await found.request("GET", "/livez")).status == 200


@pytest.mark.shows("jsonschema.modular", "example")
async def test_jsonschema_modular():
    async with bench("jsonschema_modular") as found:
        assert (await found.request("POST", "/orders", body={"sku": "a", "quantity": 1})).status == 201
        refused = await found.request("POST", "/orders", body={"sku": "", "quantity": 0})
        assert refused.status == 422
        assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/quantity", "/sku"]


@pytest.mark.spec("D12")
@pytest.mark.shows("webhook.sender", "example")
async def test_webhook_sender():
    async with bench("webhook_sender") as found:
        found.http.answer(503, headers={"retry-after": "3"})
        found.http.unreachable()
        found.http.answer(204)
        assert (await found.request("POST", "/orders", body={"id": "o/1"})).status == 202
        await found.settle()
        assert [call.url for call in found.http.calls] == ["https://partner.example/orders/o%2F1"] * 3
        assert len({call.headers["webhook-id"] for call in found.http.calls}) == 1
        assert found.http.calls[0].headers["authorization"] == "Bearer t0ken"
        assert found.http.calls[0].headers["webhook-signature"].startswith("v1,")


@pytest.mark.shows("dynamic.component", "example")
async def test_dynamic_component():
    async with bench("dynamic_component") as found:
        body = {"items": ["a"], "simulate": "out_of_stock"}
        assert (await found.request("POST", "/stock", body=body)).json() == {
            "available": False,
            "reason": "out_of_stock",
        }
        refused = await found.request("POST", "/stock", body={"items": "a"})
        assert (refused.status, refused.json()["errors"][0]["pointer"]) == (422, "/items")


@pytest.mark.shows("http.simple_proxy", "example")
async def test_http_simple_proxy():
    async with bench("http_simple_proxy") as found:
        for path in ("/api/users/7", "/api/orders"):
            assert (await found.request("GET", path)).status == 200
        found.http.unreachable()
        down = await found.request("POST", "/api/orders", body={})
        assert (down.status, down.json()["path"]) == (502, "/api/orders")
        urls = ["https://users.example/api/users/7", "https://api.example/v1/api/orders"]
        assert [call.url for call in found.http.calls][:2] == urls


@pytest.mark.shows("http.proxy", "example")
async def test_http_proxy():
    async with bench("http_proxy") as found:
        found.http.answer(200, {"items": []})
        assert (await found.request("GET", "/shop/items?page=2")).json() == {"items": []}
        assert found.http.calls[0].url == "https://shop.example/v2/items?page=2"


@pytest.mark.shows("reverseproxy", "example")
async def test_reverseproxy():
    async with bench("reverseproxy") as found:
        for path in ("/api/users/7", "/api/orders/1", "/news"):
            await found.request("GET", path)
        urls = ["https://users.example/users/7", "https://orders.example/api/orders/1", "https://site.example/news"]
        assert [call.url for call in found.http.calls] == urls
        assert found.http.calls[0].headers["x-api-key"] == "t0ken"
        for body in ({"users": 2}, {"orders": 3}):
            found.http.answer(200, body)
        assert (await found.request("GET", "/api/overview")).json() == {"users": 2, "orders": 3}
        for _ in range(2):
            found.http.unreachable()
        assert [(await found.request("GET", "/news")).status for _ in range(3)] == [502, 502, 503]
        found.clock.advance(30)
        assert (await found.request("GET", "/news")).status == 200


@pytest.mark.shows("httpclient.modular", "example")
async def test_httpclient_modular():
    async with bench("httpclient_modular") as found:
        found.http.answer(200, {"price": 12.5}, {"content-type": "application/json"})
        assert (await found.request("GET", "/prices/a-1")).json() == {"sku": "a-1", "price": 12.5}
        (call,) = found.http.calls
        assert call.url == "https://prices.example/v1/items/a-1?currency=EUR"
        assert call.headers["authorization"] == "Bearer t0ken"


@pytest.mark.shows("notification.slack", "example")
async def test_notification_slack():
    async with bench("notification_slack") as found:
        found.http.answer(503)
        await found.request("POST", "/failures", body={"id": 7, "reason": "declined"})
        await found.settle()
        said = {"channel": "#payments", "username": "Weft", "text": "Payment of order 7 failed: declined"}
        assert [(call.url, call.json()) for call in found.http.calls] == [("https://hooks.slack.example/T/B", said)] * 2


@pytest.mark.shows("observability.otel", "example")
async def test_observability_otel():
    async with bench("observability_otel") as found:
        for body in ({"grams": 5}, {}):
            await found.request("POST", "/parcels", body=body)
        found.http.answer(503)
        await found.settle()
        assert {call.url for call in found.http.calls} == {"https://collector.example:4318/v1/traces"}
        spans = [call.json()["resourceSpans"][0]["scopeSpans"][0]["spans"][0] for call in found.http.calls]
        assert [span["name"] for span in spans] == ["http weigh"] * 3
        assert len({span["spanId"] for span in spans}) == 2
        assert found.host.bugs == []


@pytest.mark.shows("storage.s3", "example")
async def test_storage_s3():
    async with bench("storage_s3") as found:
        kept = await found.request("POST", "/invoices", body={"number": 7})
        assert (kept.status, kept.json()) == (201, {"key": "invoices/7.json"})
        await found.settle()
        invoice, message = found.http.calls[-2:]
        assert (invoice.method, invoice.json()) == ("PUT", {"number": 7})
        assert invoice.url == "https://objects.example:9000/shop-invoices/invoices/7.json"
        assert invoice.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20300101/")
        assert message.url.startswith("https://objects.example:9000/shop-invoices/order.invoiced/")
        found.http.answer(404)
        assert (await found.request("GET", "/invoices/8")).json() is None


@pytest.mark.shows("integration.registry", "example")
async def test_integration_registry():
    async with bench("integration_registry") as found:
        found.http.answer(503)
        found.http.answer(200, {"name": "Ann"})
        found.http.answer(201, {"ticket": 7})
        body = {"email": "ann@shop.example", "subject": "Help"}
        assert (await found.request("POST", "/api/integrations/desk/execute", body=body)).status == 202
        await found.settle()
        last = found.http.calls[-1]
        assert [call.method for call in found.http.calls] == ["GET", "GET", "POST"]
        assert found.http.calls[0].url == "https://crm.example/v1/customers/ann%40shop.example"
        assert last.json() == {"requester": "Ann", "subject": "Help", "priority": "normal"}
        assert last.headers["authorization"] == "Bearer t0ken"
        event = {"type": "ticket.closed", "ticket": 7}
        assert (await found.request("POST", "/hooks/desk", body=event)).status == 202
        await found.settle()
        assert found.host.bugs == []
