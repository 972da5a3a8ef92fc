"""Types that say how a document is served, met by real clients at a server that really listens: `wfctl run`."""

import http.client
import json
import socket
from http.cookiejar import CookieJar
from urllib.parse import urlsplit
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest

from apps.core.management.local.ports import any_free
from tests.support.wfctl import Serving, wfctl

pytestmark = pytest.mark.spec("CAT-B1")

FRONT = """\
modules:
- {name: front, type: httpserver.modular, config: {host: 127.0.0.1, port: %d}}
- {name: router, type: chimux.router, config: %s}
- {name: partner, type: httpclient.modular, config: {baseURL: 'http://127.0.0.1:%d', timeout: 20s}}
- {name: users, type: auth.modular, config: {jwt: {secret: '${KEY}'}, session: {secure: false}}}
workflows:
  http:
    server: front
    router: router
    routes:
    - {method: GET, path: /orders, handler: answer}
    - {method: GET, path: /slow, handler: wait}
    - {method: POST, path: '/auth/{action}', handler: users}
    - {method: GET, path: '/auth/{action}', handler: users}
  pipelines:
    answer: {steps: [{respond: {body: {orders: 3}}}]}
    wait: {steps: [{uses: partner, with: {path: /}}]}
"""
KEY = "k" * 40
ORIGIN = "https://pages.example"


@pytest.fixture
def silent():
    """A partner that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def serve(tmp_path, silent):
    """Return a function that serves the document at the address that it names itself."""

    def started(config="{}"):
        port = any_free()
        file = tmp_path / "front.yaml"
        file.write_text(FRONT % (port, config, silent))
        return port, file, Serving(file, address=None, KEY=KEY)

    return started


@pytest.mark.spec("httpserver.modular")
@pytest.mark.proven("httpserver.modular", "http.client")
def test_a_client_finds_the_server_where_the_document_says_and_keeps_its_connection(serve):
    port, file, serving = serve()
    with serving as served:
        assert urlsplit(served.url).port == port
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for _ in range(2):
            client.request("GET", "/orders")
            answer = client.getresponse()
            assert (answer.status, json.loads(answer.read())) == (200, {"orders": 3})
            connection = client.sock
        assert client.sock is connection is not None
        client.close()
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
            raw.sendall(b"this is no request\r\n\r\n")
            assert raw.recv(65_536).startswith(b"HTTP/1.1 400")
        assert served.get("/orders") == {"orders": 3}
        taken = wfctl("run", file, KEY=KEY)
        assert (taken.code, f"127.0.0.1:{port}" in taken.err) == (1, True)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=10)


@pytest.mark.spec("chimux.router")
@pytest.mark.proven("chimux.router", "http.client")
def test_a_page_of_another_origin_is_answered_by_the_rules_and_a_slow_route_in_time(serve):
    config = f"{{basepath: /api, allowedOrigins: ['{ORIGIN}'], allow_credentials: true, max_age: 60, timeout: 200ms}}"
    _, _, serving = serve(config)
    with serving as served:
        asked = served.call("OPTIONS", "/api/orders", Origin=ORIGIN, Access_Control_Request_Method="GET")
        told = {name.lower(): value for name, value in asked.headers.items()}
        assert (asked.status, told["access-control-allow-origin"], told["access-control-max-age"]) == (
            200,
            ORIGIN,
            "60",
        )
        assert told["access-control-allow-credentials"] == "true"
        for origin, allowed in ((ORIGIN, ORIGIN), ("https://elsewhere.example", None)):
            answer = served.call("GET", "/api/orders", Origin=origin)
            told = {name.lower(): value for name, value in answer.headers.items()}
            assert (answer.json, told.get("access-control-allow-origin")) == ({"orders": 3}, allowed)
        assert served.call("GET", "/orders").status == 404
        late = served.call("GET", "/api/slow")
        assert (late.status, late.json["code"]) == (504, "route.timeout")
        assert served.call("GET", "/api/orders").status == 200


@pytest.mark.spec("auth.modular")
@pytest.mark.proven("auth.modular", "http.cookiejar")
def test_a_browser_s_jar_keeps_the_session_until_it_signs_out(serve):
    _, _, serving = serve()
    with serving as served:
        jar = CookieJar()
        browser = build_opener(HTTPCookieProcessor(jar))

        def ask(path, body=None):
            content = None if body is None else json.dumps(body).encode()
            request = Request(f"{served.url}/auth/{path}", content, {"Content-Type": "application/json"})
            with browser.open(request, timeout=10) as answer:
                return answer.status, answer.read()

        person = {"email": "ann@shop.example", "name": "Ann", "password": "Passw0rdOk"}
        assert ask("register", person)[0] == 201
        (cookie,) = jar
        assert (cookie.path, cookie.secure, cookie.has_nonstandard_attr("HttpOnly")) == ("/", False, True)
        assert json.loads(ask("profile")[1])["email"] == "ann@shop.example"
        kept = f"{cookie.name}={cookie.value}"
        assert served.call("GET", "/auth/profile", Cookie=kept).status == 200
        assert ask("logout", {})[0] == 204
        assert list(jar) == []
        assert served.call("GET", "/auth/profile", Cookie=kept).status == 401
