"""Proxies' answers in the hosted product: they go on as they come, over real connections, and leave a row each."""

import asyncio
from uuid import uuid4

import pytest

from apps.runs import ingress as door
from apps.runs.queries.runs import run_get, run_list
from tests.integration.runs.documents import HEAD
from tests.support.runs import ended_of, the
from tests.support.serving import deployed, request, serving, working
from tests.support.streaming_upstream import BrokenOff, Reading, streaming_upstream
from tests.support.waiting import wait_for_async
from tests.support.web_server import web_server

pytestmark = [
    pytest.mark.spec("http.proxy", "http.simple_proxy", "CAT-B1"),
    pytest.mark.proven("http.proxy", "uvicorn"),
    pytest.mark.proven("reverseproxy", "uvicorn"),
    pytest.mark.proven("http.simple_proxy", "uvicorn"),
]
SIZE = 8 * 1024 * 1024
DOCUMENT = (
    HEAD
    + """\
  - {name: broker, type: messaging.broker}
  - {name: inbox, type: messaging.handler}
  - {name: simple, type: http.simple_proxy, config: {targets: {/: "%(url)s"}}}
  - {name: gate, type: http.proxy, config: {target: "%(url)s", pathRewrite: {/gate: ""}}}
  - name: many
    type: reverseproxy
    config:
      backend_services: {only: "%(url)s"}
      backend_configs: {only: {path_rewriting: {strip_base_path: /many}}}
workflows:
  http:
    routes:
      - {method: GET, path: "/simple/{rest...}", handler: simple}
      - {method: POST, path: "/simple/{rest...}", handler: simple}
      - {method: GET, path: "/gate/{rest...}", handler: gate}
      - {method: GET, path: "/many/{rest...}", handler: many}
      - {method: GET, path: "/told/{rest...}", handler: simple}
  messaging:
    subscriptions:
      - {topic: workflow.http.completed, handler: inbox}
"""
)


@pytest.fixture(scope="module")
def partner():
    with streaming_upstream() as running:
        yield running


@pytest.fixture(scope="module")
def server(partner, django_db_setup, tmp_path_factory):
    """One web process, whose deployment lets tenants reach the partner."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OUTBOUND_ALLOW", partner.address)
        with web_server(django_db_setup, tmp_path_factory.mktemp("web"), "uvicorn") as running:
            yield running


@pytest.fixture
async def addresses(two_tenants, partner):
    """Where the document is served for either tenant."""
    for tenant in two_tenants:
        await deployed(tenant, "out", DOCUMENT % {"url": partner.url})
    return [f"/w/{tenant.slug}/out" for tenant in two_tenants]


@pytest.fixture
async def ask(server):
    """Send requests over real connections, which go down with the test."""
    opened = []

    async def send(method, path, **headers):
        opened.append(await Reading.of(server.port, method, path, **headers))
        return opened[-1]

    yield send
    for reading in opened:
        await reading.hang_up()


@pytest.fixture
def name():
    """A part of a path that no other test uses."""
    return uuid4().hex


async def rows(tenant, count):
    """Return the tenant's requests, latest first, once there are so many."""

    async def look():
        found = [run for run in (await the(tenant, run_list)).items if run["source"] == "http"]
        return found if len(found) == count else None

    listed = await wait_for_async(look, what=f"{count} rows")
    return [await the(tenant, run_get, run_id=each["id"]) for each in listed]


@pytest.mark.parametrize("proxy", ["simple", "gate", "many"])
async def test_the_first_event_reaches_each_tenants_caller_while_the_backend_holds_the_second(
    ask, partner, addresses, two_tenants, name, proxy
):
    readings = []
    for number, address in enumerate(addresses):
        readings.append(await ask("GET", f"{address}/{proxy}/{name}{number}/events"))
    for number, (reading, tenant) in enumerate(zip(readings, two_tenants, strict=True)):
        assert (reading.status, reading.headers["transfer-encoding"]) == (200, "chunked")
        assert (reading.headers["content-type"], reading.headers["x-mark"]) == ("text/event-stream", "1")
        assert await reading.chunk() == b"data: first\n\n"
        assert (await the(tenant, run_list)).items == []
        inner = f"/simple/{name}{number}" if proxy == "simple" else f"/{name}{number}"
        await asyncio.to_thread(partner.tell, f"/let{inner}/events")
        assert await reading.rest() == b"data: second\n\n"
        (row,) = await rows(tenant, 1)
        assert (row["state"], row["http_status"]) == ("done", 200)
        assert row["output"]["streamed"]["bytes"] == 27


async def test_a_large_download_comes_whole_with_its_length_and_a_head_tells_of_it(ask, addresses, two_tenants, name):
    address = f"{addresses[0]}/gate/{name}/large?size={SIZE}"
    reading = await ask("GET", address)
    assert (reading.headers["content-length"], len(await reading.rest())) == (str(SIZE), SIZE)
    head = await ask("HEAD", address, connection="close")
    assert (head.status, head.headers["content-length"]) == (200, str(SIZE))
    with pytest.raises(BrokenOff):  # the connection is closed without a byte
        await head.chunk()
    assert "set-cookie" not in reading.headers
    stored = await rows(two_tenants[0], 2)
    assert [row["output"]["streamed"]["bytes"] for row in stored] == [0, SIZE]
    assert "s3cret" not in str(stored)


async def test_a_caller_who_hangs_up_frees_the_backend_and_leaves_a_row(ask, partner, addresses, two_tenants, name):
    reading = await ask("GET", f"{addresses[0]}/gate/{name}/endless")
    assert await reading.chunk() == b"data: on and on\n\n"
    await reading.hang_up()
    (row,) = await rows(two_tenants[0], 1)
    assert (row["state"], row["output"]["streamed"]["ended"]) == ("done", "caller.gone")

    async def noticed():
        return await asyncio.to_thread(partner.told, f"/{name}/endless") == "gone"

    await wait_for_async(noticed, what="a backend that is free")


async def test_an_answer_that_breaks_off_takes_the_connection_down(ask, server, addresses, two_tenants, name):
    reading = await ask("GET", f"{addresses[0]}/gate/{name}/broken?size={SIZE}")
    with pytest.raises(BrokenOff):
        await reading.rest()
    (row,) = await rows(two_tenants[0], 1)
    assert (row["state"], row["output"]["streamed"]["ended"]) == ("failed", "upstream.broken_off")
    assert row["output"]["streamed"]["bytes"] == SIZE // 2
    assert "ASGI" not in server.printed


async def test_a_request_with_a_key_is_answered_whole_and_again_without_asking(
    ask, partner, addresses, two_tenants, name
):
    address = f"{addresses[0]}/simple/{name}/large?size=200000"
    for replayed in (None, "true"):
        reading = await ask("POST", address, **{"idempotency-key": name})
        assert (reading.status, len(await reading.rest())) == (200, 200_000)
        assert reading.headers.get("idempotency-replayed") == replayed
    assert len(await rows(two_tenants[0], 1)) == 1


async def test_too_many_streams_of_a_tenant_are_turned_away_and_the_backend_is_left(
    partner, addresses, two_tenants, name, settings, monkeypatch
):
    settings.OUTBOUND_ALLOW = [partner.address]
    monkeypatch.setattr(door, "MOST_STREAMS_OF_TENANT", 0)
    async with serving() as ingress:
        reply = await request(ingress, "GET", f"{addresses[0]}/gate/{name}/endless")
        assert (reply.status, reply.headers["retry-after"]) == (503, "1")
        (row,) = await rows(two_tenants[0], 1)
    assert (row["state"], row["http_status"], row["output"]["streamed"]["ended"]) == ("failed", 503, "stream.refused")

    async def noticed():
        return await asyncio.to_thread(partner.told, f"/{name}/endless") == "gone"

    await wait_for_async(noticed, what="a backend that is free")


async def test_who_listens_for_requests_is_told_when_the_answer_has_gone_through(
    ask, partner, addresses, two_tenants, name
):
    async with working():
        reading = await ask("GET", f"{addresses[0]}/gate/{name}/large?size={SIZE}")
        assert len(await reading.rest()) == SIZE
        (heard,) = await ended_of(two_tenants[0], "message", 1)
        told = await the(two_tenants[0], run_get, run_id=heard["id"])
    assert told["input"]["results"]["streamed"]["bytes"] == SIZE
    assert (await the(two_tenants[1], run_list)).items == []
