"""A socket is opened only from a page of the same host; Channels' own check falls open when any host is allowed."""

import pytest

from config.sockets import SameOrigin, same_origin, sockets

pytestmark = pytest.mark.spec("SPINE-B5")


def headers(origin, host="acme.example:8000"):
    """What a browser sends."""
    found = [(b"host", host.encode())]
    return found + ([(b"origin", origin.encode())] if origin is not None else [])


@pytest.fixture(autouse=True)
def hosts(settings):
    """Two names are ours."""
    settings.ALLOWED_HOSTS = ["acme.example", "[::1]"]
    settings.TRUSTED_PROXIES = 0


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://acme.example:8000", "acme.example:8000"),
        ("http://acme.example", "acme.example"),
        ("http://ACME.example:8000", "acme.example:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
    ],
)
def test_our_own_pages_may(origin, host):
    assert same_origin(headers(origin, host), "ws")


@pytest.mark.parametrize(
    "origin",
    [None, "", "null", "http://evil.example:8000", "http://acme.example:9000", "file:///acme.example", "acme.example"],
)
def test_nobody_else_may(origin):
    assert not same_origin(headers(origin), "ws")


def test_an_allowed_star_does_not_open_the_door(settings):
    settings.ALLOWED_HOSTS = ["*"]
    assert not same_origin(headers("http://evil.example"), "ws")


def test_a_host_that_is_not_ours_is_refused_even_from_its_own_page():
    assert not same_origin(headers("http://other.example", "other.example"), "ws")


def test_behind_a_proxy_the_page_s_own_scheme_gives_the_port(settings):
    settings.TRUSTED_PROXIES = 1
    assert same_origin(headers("https://acme.example", "acme.example"), "ws")


async def test_a_refused_socket_never_reaches_the_consumer():
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message["type"])

    async def consumer(scope, receive, send):
        raise AssertionError("reached")

    scope = {"type": "websocket", "headers": headers("http://evil.example"), "path": "/ws/", "scheme": "ws"}
    await SameOrigin(consumer)(scope, receive, send)
    assert sent == ["websocket.close"]


@pytest.mark.parametrize(
    ("extensions", "told"),
    [
        ({}, [("websocket.close", None)]),
        (
            {"websocket.http.response": {}},
            [("websocket.http.response.start", 404), ("websocket.http.response.body", None)],
        ),
    ],
)
async def test_an_address_without_a_socket_is_denied(extensions, told):
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append((message["type"], message.get("status")))

    scope = {
        "type": "websocket",
        "path": "/ws/nowhere",
        "headers": headers("http://acme.example:8000"),
        "scheme": "ws",
        "extensions": extensions,
    }
    await sockets()(scope, receive, send)
    assert sent == told
