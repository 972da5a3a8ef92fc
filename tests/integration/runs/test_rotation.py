"""The master key is changed while traffic goes on: nothing fails, nothing is lost, and the old key can go."""

import asyncio
import base64
import io

import psycopg
import pytest
from django.core.management import CommandError, call_command

from apps.core.scope import SYSTEM, scope
from apps.core.sealing import newest_head
from apps.engine.ids import uuid7
from apps.engine.ports import Instance, PrivateKind, Resource
from apps.runs.adapters import rotation as pages
from apps.runs.adapters.threads import in_thread
from apps.runs.operations.applications import Applications
from apps.runs.operations.rotation import keys_rotate
from apps.runs.operations.services import services_make
from apps.tenants.models import Secret
from apps.tenants.operations.secrets import secret_set
from apps.tenants.queries import secret_open
from tests.integration.runs.documents import NOTES
from tests.integration.runs.test_ports import Hosted
from tests.support.serving import deployed, request

pytestmark = pytest.mark.spec("CAT-B2", "CAT-B2.14", "D24")

OLD = base64.b64encode(b"the key of before, 32 bytes long"[:32]).decode()
USERS = PrivateKind("auth.jwt:users")
ROWS, WRITERS = 40, 6
SEALED = (
    "select data from runs_storedresource where tenant_id = %(t)s union all"
    " select data from runs_instance where tenant_id = %(t)s union all"
    " select error from runs_instance where tenant_id = %(t)s and error is not null union all"
    " select receipt from runs_effectentry where tenant_id = %(t)s and receipt is not null"
)


@pytest.fixture
def keys(settings):
    """Change the master keys: `old` alone, then the new one before it, then the new one alone."""
    new = settings.ENCRYPTION_KEYS[0]
    settings.ENCRYPTION_KEYS = [OLD]

    def use(*which):
        settings.ENCRYPTION_KEYS = [{"old": OLD, "new": new}[each] for each in which]

    return use


@pytest.fixture
async def host(database):
    services = services_make(Applications())
    await services.start()
    yield Hosted(database, services)
    await services.close()


def heads(database, tenant):
    with psycopg.connect(database.superuser_url) as connection:
        return {row[0][:5] for row in connection.execute(SEALED, {"t": tenant.id})}


async def planted(host, tenant, step):
    async with host.unit(tenant) as unit:
        for number in range(ROWS):
            await unit.resources.create(Resource("counters", str(number), {"n": 0}))
            await unit.resources.create(Resource(USERS, f"{number}@example.com", {"n": number}))
            await unit.instances.create(Instance("counter", str(number), "on", data={"n": 0}, error="a fault"))
    async with host.unit(tenant) as unit:
        await unit.effects.intend(step, 1, kind="call", effect="once", key="k")
        await unit.effects.receipt(step, 1, {"of": tenant.slug})
    await in_thread(_secret, tenant)


def _secret(tenant):
    with scope(tenant.id, SYSTEM):
        secret_set(environment="prod", name="TOKEN", value="hush", actor=SYSTEM)


async def counting(host, tenant, number, stop):
    """Count objects and instances up, one at a time, until told to stop; return how often."""
    times = 0
    while not stop.is_set():
        key = str((times * WRITERS + number) % ROWS)
        async with host.unit(tenant) as unit:
            found = await unit.resources.get("counters", key, lock=True)
            found.data = {"n": found.data["n"] + 1}
            await unit.resources.save(found)
            instance = await unit.instances.get("counter", str((times + number) % ROWS), lock=True)
            instance.data = {"n": instance.data["n"] + 1}
            await unit.instances.save(instance)
        times += 1
    return times


async def creating(ingress, tenant, stop):
    """Create objects through the door, with others in one commit, until told to stop; return how many."""
    made = 0
    while not stop.is_set():
        reply = await request(ingress, "POST", f"/w/{tenant.slug}/notes/notes", {"id": f"n{made}", "text": "x"})
        assert reply.status == 201
        made += 1
    return made


@pytest.mark.parametrize("page", [3, 100])
async def test_kept_rows_move_to_the_new_key_under_load_and_the_old_one_can_go(
    database, two_tenants, ingress, host, keys, monkeypatch, page
):
    monkeypatch.setattr(pages.page_seal, "__defaults__", (page,))
    steps = {tenant.id: uuid7() for tenant in two_tenants}
    for tenant in two_tenants:
        await planted(host, tenant, steps[tenant.id])
        await deployed(tenant, "notes", NOTES)
    keys("new", "old")
    stop = asyncio.Event()
    counters = {
        tenant.id: [asyncio.create_task(counting(host, tenant, number, stop)) for number in range(WRITERS)]
        for tenant in two_tenants
    }
    creators = [asyncio.create_task(creating(ingress, tenant, stop)) for tenant in two_tenants]
    await asyncio.sleep(0)
    lines = []
    rotation = await in_thread(keys_rotate, [tenant.id for tenant in two_tenants], lambda *told: lines.append(told))
    stop.set()
    made = await asyncio.gather(*creators)
    assert (rotation.is_complete, {line[0] for line in lines}) == (True, set(steps))
    keys("new")
    for tenant in two_tenants:
        times = sum(await asyncio.gather(*counters[tenant.id]))
        assert times > 0
        assert await in_thread(heads, database, tenant) == {newest_head()}
        async with host.unit(tenant) as unit:
            assert sum(each.data["n"] for each in await unit.resources.page("counters")) == times
            assert sum(each.data["n"] for each in await unit.instances.page("counter")) == times
            assert [(await unit.resources.get(USERS, f"{n}@example.com")).data["n"] for n in (0, 39)] == [0, 39]
        assert await host.ledger(tenant, steps[tenant.id], 1) == (True, {"of": tenant.slug})
        assert await in_thread(_secret_of, tenant) == "hush"
    notes = [await request(ingress, "GET", f"/w/{tenant.slug}/notes/notes") for tenant in two_tenants]
    assert all(count > 0 for count in made)
    assert {reply.status for reply in notes} == {200}


def _secret_of(tenant):
    with scope(tenant.id, SYSTEM, read_only=True):
        return secret_open(Secret.objects.get(name="TOKEN").ciphertext)


async def test_rows_that_were_never_sealed_get_their_seal(database, two_tenants, host):
    tenant, _ = two_tenants
    async with host.unit(tenant) as unit:
        await unit.resources.create(Resource("notes", "1", {"n": 1}))
    with psycopg.connect(database.superuser_url) as connection:
        connection.execute("update runs_storedresource set data = '{\"n\":1}' where tenant_id = %s", [tenant.id])
    await in_thread(keys_rotate, [tenant.id], lambda *_: None)
    assert await in_thread(heads, database, tenant) == {newest_head()}
    async with host.unit(tenant) as unit:
        assert (await unit.resources.get("notes", "1")).data == {"n": 1}


async def test_a_row_that_no_key_opens_is_left_alone_and_reported(database, two_tenants, host, keys, caplog):
    tenant, other = two_tenants
    for each in two_tenants:
        async with host.unit(each) as unit:
            await unit.resources.create(Resource("notes", "1", {"n": 1}))
    keys("new")
    rotation = await in_thread(keys_rotate, [tenant.id], lambda *_: None)
    assert (rotation.is_complete, rotation.left["storedresource"]) == (False, 1)
    assert "rotation.undecipherable" in caplog.text
    keys("new", "old")
    rotation = await in_thread(keys_rotate, [tenant.id], lambda *_: None)
    assert (rotation.is_complete, rotation.sealed["storedresource"]) == (True, 1)
    assert newest_head() not in await in_thread(heads, database, other)


def test_the_command_says_when_an_old_key_may_be_removed_and_refuses_without_keys(database, settings, monkeypatch):
    monkeypatch.setattr("apps.runs.management.commands.rotate_keys.tenant_ids", list)
    said = io.StringIO()
    call_command("rotate_keys", stdout=said)
    assert "remove older keys from ENCRYPTION_KEYS" in said.getvalue()
    settings.ENCRYPTION_KEYS = []
    with pytest.raises(CommandError, match="not configured"):
        call_command("rotate_keys")
