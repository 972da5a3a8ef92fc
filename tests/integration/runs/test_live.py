"""The live socket gives the state, then every event behind it once and in order, whatever happens to the connection."""

import json
from uuid import uuid4

import pytest
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator

from apps.core.scope import SYSTEM, scope
from apps.runs.adapters.threads import in_thread
from apps.runs.consumers.urls import urlpatterns
from apps.runs.operations.watching import hub_close
from apps.tenants.models import Membership
from apps.tenants.operations.members import membership_remove
from tests.integration.runs.documents import ORDERS
from tests.integration.runs.test_worker import ended, start
from tests.support.serving import deployed, working


@pytest.fixture
def sockets():
    """Every socket of the product, in the test's own loop."""
    return URLRouter(urlpatterns)


@pytest.fixture
async def open_socket(database, sockets):
    opened = []

    async def connect(tenant, user=None, *, slug=None):
        socket = WebsocketCommunicator(sockets, f"/ws/t/{slug or tenant.slug}/")
        socket.scope["user"] = user or tenant.owner
        opened.append(socket)
        return socket, (await socket.connect())[0]

    yield connect
    for socket in opened:
        await socket.disconnect()
    await hub_close()


async def said(socket, message):
    await socket.send_to(text_data=json.dumps(message))
    return json.loads(await socket.receive_from(timeout=5))


async def until_done(socket):
    frames = []
    while not frames or not frames[-1]["event"]["kind"].startswith("run.done"):
        frames.append(json.loads(await socket.receive_from(timeout=10)))
    return frames


@pytest.mark.spec("SPINE-5", "SPINE-B8", "SPINE-B8.9")
async def test_a_watcher_sees_the_state_and_then_everything_that_changes(two_tenants, open_socket):
    tenant, _ = two_tenants
    workflow = await deployed(tenant, "orders", ORDERS)
    run_id = await start(tenant, workflow, "price", {"qty": 1, "price": 1})
    socket, _ = await open_socket(tenant)
    first = await said(socket, {"type": "subscribe", "stream": f"run:{run_id}"})
    assert (first["type"], first["state"]["state"]) == ("state", "waiting")
    async with working():
        frames = await until_done(socket)
        run = await ended(tenant, run_id)
    numbers = [frame["sequence"] for frame in frames]
    assert numbers == sorted(set(numbers))
    assert numbers[0] > first["sequence"]
    assert [frame["event"]["step"] for frame in frames[:-1]] == run["steps"]


@pytest.mark.spec("SPINE-5", "SPINE-B8.10", "SPINE-5.2")
async def test_a_watcher_that_comes_back_gets_what_it_missed_and_nothing_twice(two_tenants, open_socket):
    tenant, _ = two_tenants
    workflow = await deployed(tenant, "orders", ORDERS)
    run_id = await start(tenant, workflow, "price", {"qty": 1, "price": 1})
    async with working():
        run = await ended(tenant, run_id)
    socket, _ = await open_socket(tenant)
    await socket.send_to(text_data=json.dumps({"type": "subscribe", "stream": f"run:{run_id}", "after": 2}))
    frames = await until_done(socket)
    assert [frame["sequence"] for frame in frames] == list(range(3, run["sequence"] + 1))


async def test_new_runs_are_told_to_who_watches_the_list(two_tenants, open_socket):
    tenant, _ = two_tenants
    workflow = await deployed(tenant, "orders", ORDERS)
    socket, _ = await open_socket(tenant)
    assert (await said(socket, {"type": "subscribe", "stream": "runs"}))["type"] == "state"
    await start(tenant, workflow, "price", {"qty": 1, "price": 1})
    assert json.loads(await socket.receive_from(timeout=5)) == {"type": "more", "stream": "runs"}


@pytest.mark.spec("SPINE-4", "SPINE-4.3")
async def test_strangers_and_other_tenants_are_kept_out(two_tenants, open_socket):
    tenant, other = two_tenants
    workflow = await deployed(tenant, "orders", ORDERS)
    run_id = await start(tenant, workflow, "price", {"qty": 1, "price": 1})
    _, is_in = await open_socket(tenant, other.owner)
    assert not is_in
    socket, _ = await open_socket(other)
    answer = await said(socket, {"type": "subscribe", "stream": f"run:{run_id}"})
    assert (answer["type"], answer["code"]) == ("error", "not-found")
    unknown = await said(socket, {"type": "subscribe", "stream": f"run:{uuid4()}"})
    assert unknown["code"] == "not-found"


@pytest.mark.parametrize("text", ["", "[]", '{"type": "drop"}', '{"type": "subscribe", "stream": 7}', "x" * 5000])
async def test_nonsense_is_answered_with_an_error(two_tenants, open_socket, text):
    tenant, _ = two_tenants
    socket, _ = await open_socket(tenant)
    await socket.send_to(text_data=text or "null")
    assert json.loads(await socket.receive_from(timeout=5))["type"] == "error"


@pytest.mark.spec("SPINE-7")
async def test_a_removed_member_hears_nothing_more(two_tenants, open_socket):
    tenant, _ = two_tenants
    workflow = await deployed(tenant, "orders", ORDERS)
    person = await in_thread(tenant.person, "viewer")
    socket, is_in = await open_socket(tenant, person)
    assert is_in
    await said(socket, {"type": "subscribe", "stream": "runs"})

    def remove():
        with scope(tenant.id, SYSTEM):
            found = Membership.objects.get(user_id=person.pk)
            membership_remove(membership_id=found.id, actor=SYSTEM)

    await in_thread(remove)
    await start(tenant, workflow, "price", {"qty": 1, "price": 1})
    message = await socket.receive_output(timeout=5)
    assert (message["type"], message["code"]) == ("websocket.close", 4403)
