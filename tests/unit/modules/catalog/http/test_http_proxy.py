"""`http.proxy` is the reverse proxy under the builder's name; its settings may stand at the top of the document."""

import pytest

from apps.engine.check import check
from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.local.outside import OutboundHttp
from apps.engine.testing import Bench
from apps.modules.catalog.http.http_proxy import HttpProxy
from apps.modules.catalog.http.reverseproxy import Reverseproxy
from apps.modules.queries import registry
from tests.support.upstream import upstream

pytestmark = pytest.mark.spec("http.proxy")

HEAD = """modules:
  - {name: server, type: http.server, config: {address: ":8080"}}
  - {name: router, type: http.router}
  - {name: hello, type: http.handler, config: {body: ours}}
"""


@pytest.fixture
def partner():
    with upstream() as opened:
        yield opened


@pytest.fixture
async def outside():
    opened = OutboundHttp()
    yield opened
    await opened.close()


def checked(text):
    return [(found.code, found.path, found.line) for found in check(load(text).document, registry())]


def test_it_is_the_same_proxy():
    assert HttpProxy.Config is Reverseproxy.Config
    assert HttpProxy.__mro__[1] is Reverseproxy.__mro__[1]


async def test_settings_at_the_top_are_read_and_routes_of_the_document_win(partner, outside):
    text = f"""{HEAD}  - {{name: gate, type: http.proxy, config: {{request_timeout: 5s}}}}
workflows:
  http:
    routes:
      - {{method: GET, path: /hello, handler: hello}}
reverseproxy:
  backend_services: {{shop: "{partner.url}"}}
  default_backend: shop
  request_timeout: 1s
"""
    assert checked(text) == []
    application = compile_document(load(text).document, registry())
    assert application.modules["gate"].config.request_timeout == 5.0
    async with Bench(application, http=outside) as bench:
        assert (await bench.request("GET", "/hello")).body == b"ours"
        assert (await bench.request("POST", "/orders?a=1", body={"n": 1})).status == 200
        assert (await bench.request("HEAD", "/orders")).status == 200
    assert [f"{asked.method} {asked.path}" for asked in partner.calls] == ["POST /orders?a=1", "GET /orders"]


async def test_a_route_of_the_document_may_lead_to_it(partner, outside):
    config = f'{{target: "{partner.url}", pathRewrite: {{/api: /v1}}}}'
    text = f"""{HEAD}  - {{name: gate, type: http.proxy, config: {config}}}
workflows:
  http:
    routes:
      - {{method: GET, path: "/api/{{rest...}}", handler: gate}}
"""
    async with Bench(compile_document(load(text).document, registry()), http=outside) as bench:
        assert (await bench.request("GET", "/api/users/7")).status == 200
        assert (await bench.request("GET", "/other")).status == 404
        headers = {"connection": "upgrade", "upgrade": "websocket"}
        refused = await bench.request("GET", "/api/live", headers=headers)
        assert (refused.status, refused.json()["code"]) == (501, "proxy.upgrade")
    assert [asked.path for asked in partner.calls] == ["/v1/users/7"]


@pytest.mark.shows("http.proxy", "failure")
def test_faults_of_settings_at_the_top_are_found_where_they_stand():
    text = (
        HEAD
        + """  - {name: gate, type: reverseproxy, config: {default_backend: none}}
reverseproxy:
  backend_services: {shop: nowhere}
  metrics_enabled: true
  rubbish: 1
"""
    )
    assert checked(text) == [
        ("config.invalid", "reverseproxy.backend_services.shop", 7),
        ("key.ignored", "reverseproxy.metrics_enabled", 8),
        ("key.ignored", "reverseproxy.rubbish", 9),
    ]
    good = text.replace("nowhere", '"https://shop.example"').replace("  rubbish: 1\n", "")
    assert checked(good)[0][:2] == ("config.invalid", "modules[3].config.default_backend")


def test_config_wins_over_another_spelling_of_the_same_key_at_the_top():
    text = HEAD + "  - {name: gate, type: reverseproxy, config: {timeout: 5s}}\nreverseproxy: {request_timeout: 1s}\n"
    assert checked(text) == [("key.ignored", "reverseproxy.request_timeout", 6)]
    assert compile_document(load(text).document, registry()).modules["gate"].config.request_timeout == 5.0


def test_two_proxies_leave_settings_at_the_top_to_nobody():
    text = HEAD + "  - {name: a, type: reverseproxy}\n  - {name: b, type: http.proxy}\nreverseproxy: {rubbish: 1}\n"
    assert checked(text) == [("key.ignored", "reverseproxy", 7)]


async def test_the_cross_origin_rules_of_the_router_it_is_mounted_on_are_its_own(partner, outside):
    text = f"""modules:
  - {{name: router, type: chimux.router}}
  - {{name: gate, type: http.proxy, dependsOn: [router]}}
chimux:
  cors: {{enabled: true, allowedOrigins: ["https://shop.example"], allowedMethods: [GET]}}
reverseproxy:
  backend_services: {{shop: "{partner.url}"}}
  default_backend: shop
"""
    assert checked(text) == []
    application = compile_document(load(text).document, registry())
    page = {"origin": "https://shop.example"}
    async with Bench(application, http=outside) as bench:
        asked = {**page, "access-control-request-method": "GET"}
        preflight = await bench.request("OPTIONS", "/orders", headers=asked)
        answer = await bench.request("GET", "/orders", headers=page)
        stranger = await bench.request("GET", "/orders", headers={"origin": "https://elsewhere.example"})
    allowed = [reply.headers.get("access-control-allow-origin") for reply in (preflight, answer, stranger)]
    assert allowed == ["https://shop.example", "https://shop.example", None]
    assert [asked.method for asked in partner.calls] == ["GET", "GET"]
