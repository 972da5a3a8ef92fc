"""The web process opens its doors once, refuses to open unsafe ones, and closes them at the end."""

import asyncio

import pytest

from config.threads import without_underscores
from config.web import WebProcess

pytestmark = pytest.mark.spec("SPINE-B5")


class Door:
    """An ingress that writes down what happens to it."""

    def __init__(self):
        self.seen = []

    async def __call__(self, scope, receive, send):
        self.seen.append(scope["type"])

    def begin(self, scope, receive, send):
        self.seen.append("begun")

    async def start(self):
        self.seen.append("start")

    async def stop(self):
        self.seen.append("stop")


def unsafe():
    """A database that would not keep tenants apart."""
    raise RuntimeError("role app owns tables")


async def lifespan(app, *stages):
    """Send the stages of a process's life; returns the answers."""
    messages = [{"type": f"lifespan.{stage}"} for stage in stages]
    answers = []

    async def receive():
        return messages.pop(0)

    async def send(message):
        answers.append(message)

    await app({"type": "lifespan"}, receive, send)
    return answers


async def test_it_opens_before_the_first_request_and_closes_after_the_last():
    door = Door()
    answers = await lifespan(WebProcess(door, None, lambda: None), "startup", "shutdown")
    assert [answer["type"] for answer in answers] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert door.seen == ["start", "stop"]


@pytest.mark.spec("SPINE-B3.4")
async def test_an_unsafe_database_keeps_the_doors_shut_and_is_named():
    door, answers = Door(), []

    async def receive():
        return {"type": "lifespan.startup"}

    async def send(message):
        answers.append(message)

    with pytest.raises(RuntimeError):
        await WebProcess(door, None, unsafe)({"type": "lifespan"}, receive, send)
    assert answers == [{"type": "lifespan.startup.failed", "message": "role app owns tables"}]
    assert door.seen == []


async def test_a_server_without_lifespan_events_opens_them_once():
    door = Door()
    app = WebProcess(door, None, lambda: None)
    await asyncio.gather(*(app({"type": "http"}, None, None) for _ in range(5)))
    assert door.seen == ["start", *["http"] * 5]


async def test_a_request_begins_at_once_when_the_doors_are_open_and_waits_for_them_before():
    door = Door()
    app = WebProcess(door, None, lambda: None)
    await app.begin({"type": "http"}, None, None)
    assert app.begin({"type": "http"}, None, None) is None
    assert door.seen == ["start", "http", "begun"]


async def test_sockets_have_a_door_of_their_own():
    http, sockets = Door(), Door()
    await WebProcess(http, sockets, lambda: None)({"type": "websocket"}, None, None)
    assert (http.seen, sockets.seen) == (["start"], ["websocket"])


def test_a_header_with_an_underscore_cannot_pose_as_another():
    given = [(b"x-forwarded-proto", b"http"), (b"x_forwarded_proto", b"https")]
    assert without_underscores(given) == [(b"x-forwarded-proto", b"http")]
