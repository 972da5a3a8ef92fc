"""Whichever server a web process runs on, it answers alike, and what it has accepted outlives its end.

`test_on_daphne.py` runs these tests as well.
"""

import asyncio
import signal
from contextlib import contextmanager

import orjson
import psycopg
import pytest
from channels.testing import WebsocketCommunicator

from apps.runs.adapters.threads import in_thread
from tests.integration.runs.documents import ORDERS
from tests.support.database import waiting_for_locks
from tests.support.over_the_wire import OverTheWire, session_cookie
from tests.support.serving import deployed, request
from tests.support.waiting import wait_for_async
from tests.support.web_server import kept_server

pytestmark = [pytest.mark.spec("SPINE-B1", "SPINE-B5"), pytest.mark.slow]

GOOD = {"qty": 3, "price": 2.5}
LATER = 20
SERVICE_RESTART = 1012
LIMITED = ORDERS.replace("record: none", "record: none, maxBody: 64")


@pytest.fixture(scope="module", params=["uvicorn", "runserver"])
def kept(request, django_db_setup, tmp_path_factory):
    """Keep one web process."""
    with kept_server(django_db_setup, tmp_path_factory.mktemp("web"), request.param) as one:
        yield one


@pytest.fixture
def server(kept):
    """Return a web process that runs."""
    return kept.running()


@pytest.fixture
def wire(server):
    """Reach it over real connections."""
    return OverTheWire(server.port)


@pytest.fixture
async def addresses(two_tenants):
    """Deploy the orders in both tenants; returns where they are served."""
    for tenant in two_tenants:
        await deployed(tenant, "orders", LIMITED)
    return [f"/w/{tenant.slug}/orders" for tenant in two_tenants]


@contextmanager
def runs_cannot_be_stored(database):
    """Hold up every row of a run until the block ends; gives the connection that does so."""
    with psycopg.connect(database.superuser_url) as connection:
        connection.execute("lock table runs_run in share mode")
        yield connection


def stored(database, tenant):
    with psycopg.connect(database.superuser_url) as connection:
        found = connection.execute("select route from runs_run where tenant_id = %s order by route", [tenant.id])
        return [row[0] for row in found.fetchall()]


def pieces(body):
    """Encode a body of unannounced length."""
    parts = [body[start : start + 4096] for start in range(0, len(body), 4096)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])


async def idle_connection(server):
    """Ask once and keep the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /live HTTP/1.1\r\nhost: localhost\r\n\r\n")
    await reader.readuntil(b'"ok"}')
    return reader, writer


def socket_of(wire, tenant, user=None, **headers):
    """Prepare a socket at a tenant's address."""
    lines = [(name.encode(), value.encode()) for name, value in headers.items()]
    socket = WebsocketCommunicator(wire, f"/ws/t/{tenant.slug}/", lines)
    if user is not None:
        socket.scope["user"] = user
    return socket


async def test_a_head_is_answered_without_the_body_that_it_tells_of(wire, addresses):
    for address in [f"{addresses[0]}/orders", "/sign-in"]:
        whole, head = [await request(wire, method, address) for method in ("GET", "HEAD")]
        assert (head.status, head.body) == (whole.status, b"") == (200, b"")
        assert whole.body
        assert set(head.headers) == set(whole.headers)


async def test_a_body_in_pieces_is_taken_up_to_the_limit_of_its_route(wire, addresses):
    in_pieces = {"content-length": None, "transfer-encoding": "chunked"}
    body = orjson.dumps({**GOOD, "note": "x" * 20_000})
    taken = await request(wire, "POST", f"{addresses[0]}/price", pieces(body), headers=in_pieces)
    refused = await request(wire, "POST", f"{addresses[1]}/quiet", pieces(b"x" * 65), headers=in_pieces)
    announced = await request(wire, "POST", f"{addresses[1]}/quiet", b"x" * 65)
    assert (taken.status, taken.json()["total"]) == (200, 7.5)
    assert [reply.json()["code"] for reply in (refused, announced)] == ["body.too_large"] * 2


async def test_a_message_of_two_lengths_is_refused(wire, addresses):
    both = await request(wire, "POST", f"{addresses[0]}/price", pieces(b"{}"), headers={"transfer-encoding": "chunked"})
    assert both.status == 400


async def test_the_portal_says_the_same_of_itself_and_refuses_the_same(wire, two_tenants):
    tenant, other = two_tenants
    page = await request(wire, "GET", "/sign-in", headers={"x-request-id": "mine"})
    names = ("x-content-type-options", "x-frame-options", "referrer-policy", "x-request-id")
    assert [page.said(name) for name in names] == [["nosniff"], ["DENY"], ["same-origin"], ["mine"]]
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    assert not page.said("server")
    foreign = await request(wire, "GET", "/sign-in", headers={"host": "evil.example"})
    forged = await request(wire, "POST", "/sign-in", b"email=a")
    stranger = await request(wire, "GET", "/api/v1/runs")
    wrong = await request(wire, "DELETE", "/api/v1/projects", headers={"authorization": f"Bearer {tenant.key}"})
    session = {"cookie": await in_thread(session_cookie, tenant.owner)}
    outsider = await request(wire, "GET", f"/t/{other.slug}/api/v1/runs", headers=session)
    member = await request(wire, "GET", f"/t/{tenant.slug}/api/v1/runs", headers=session)
    statuses = [reply.status for reply in (foreign, forged, stranger, wrong, outsider, member)]
    assert statuses == [400, 403, 401, 405, 404, 200]
    assert wrong.headers["allow"] == "GET, POST, HEAD"


async def test_a_socket_opens_for_members_from_our_own_pages_only(wire, two_tenants):
    tenant, other = two_tenants
    refused = [
        socket_of(wire, tenant),
        socket_of(wire, tenant, other.owner),
        socket_of(wire, tenant, tenant.owner, Origin="http://evil.example"),
        socket_of(wire, tenant, tenant.owner, Origin="null"),
    ]
    assert [await socket.connect(timeout=10) for socket in refused] == [(False, 403)] * 4
    unknown = WebsocketCommunicator(wire, "/ws/elsewhere/")
    assert not (await unknown.connect(timeout=10))[0]
    member = socket_of(wire, tenant, tenant.owner)
    assert (await member.connect(timeout=10))[0]
    await member.disconnect()


async def test_what_was_accepted_is_stored_and_answered_before_the_process_ends(
    database, two_tenants, server, wire, addresses
):
    earlier = server.complaints
    socket = socket_of(wire, two_tenants[0], two_tenants[0].owner)
    assert (await socket.connect(timeout=10))[0]
    idle, writer = await idle_connection(server)
    with runs_cannot_be_stored(database) as someone:
        begun = [asyncio.create_task(request(wire, "POST", f"{address}/price", GOOD)) for address in addresses]
        await wait_for_async(lambda: in_thread(waiting_for_locks, someone), what="a row that cannot be stored")
        later = [await request(wire, "POST", f"{address}/later", GOOD) for address in addresses * LATER]
        assert {reply.status for reply in later} == {200}
        server.ask_to_end()
        await wait_for_async(lambda: in_thread(lambda: not server.is_listening()), what="the end of new requests")
        assert await socket.receive_output(timeout=10) == {"type": "websocket.close", "code": SERVICE_RESTART}
        assert await idle.read() == b""
        writer.close()
        assert server.process.poll() is None
    assert [reply.status for reply in await asyncio.gather(*begun)] == [200, 200]
    assert await asyncio.to_thread(server.wait) in (0, -signal.SIGTERM)
    assert server.complaints == earlier
    for tenant in two_tenants:
        assert stored(database, tenant) == [*["POST /later"] * LATER, "POST /price"]
