"""What every set of adapters must do: one suite for SQLite (`engine/local`) and Postgres (`runs/adapters`).

Subclass `PortSuite` and give it two fixtures: `host`, a `PortHost`, and `tenants`, two values that `host.unit` takes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from datetime import UTC, timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4

import pytest

from apps.engine.cache_limits import LARGEST_TENANT, LARGEST_VALUE
from apps.engine.outcome import StepFailed
from apps.engine.ports import AlreadyExists, Instance, LostRace, NewRun, PrivateKind, Resource, TransitionRecord, Unit


class PortHost(Protocol):
    """Opens units of work and shows what has been committed."""

    def unit(self, tenant: Any) -> AbstractAsyncContextManager[Unit]:
        """Open a unit: committed when the block ends, rolled back when it raises."""

    async def messages(self, tenant: Any) -> list[dict[str, Any]]:
        """Return `{topic, key, payload}` of the tenant's committed messages, in order."""

    async def runs(self, tenant: Any) -> list[dict[str, Any]]:
        """Return `{id, entry, input}` of the tenant's accepted runs, in order."""

    async def ledger(self, tenant: Any, step_id: UUID, attempt: int) -> tuple[bool, Any]:
        """Return whether there is an intent, and the receipt's data or None."""


class Dropped(Exception):
    """Raised inside a unit to drop it."""


async def _dropped(host: PortHost, tenant: Any, work: Callable[[Unit], Awaitable[None]]) -> None:
    with suppress(Dropped):
        async with host.unit(tenant) as unit:
            await work(unit)
            raise Dropped


class PortSuite:
    """The tests."""

    async def test_a_resource_comes_back_as_it_was_stored(self, host: PortHost, tenants: tuple[Any, Any]):
        async with host.unit(tenants[0]) as unit:
            await unit.resources.create(Resource("orders", "1", {"total": 12.5, "tags": ["a"], "ü": None}, "new"))
        async with host.unit(tenants[0]) as unit:
            found = await unit.resources.get("orders", "1")
        assert found is not None
        assert (found.kind, found.key, found.state) == ("orders", "1", "new")
        assert found.data == {"total": 12.5, "tags": ["a"], "ü": None}
        assert found.created_at is not None
        assert found.created_at.astimezone(UTC) <= found.updated_at.astimezone(UTC)

    async def test_a_unit_sees_its_own_writes_and_nobody_else_does_before_the_commit(self, host, tenants):
        async with host.unit(tenants[0]) as unit:
            await unit.resources.create(Resource("orders", "1", {"n": 1}))
            assert (await unit.resources.get("orders", "1")).data == {"n": 1}
            assert [each.key for each in await unit.resources.page("orders")] == ["1"]
            async with host.unit(tenants[0]) as other:
                assert await other.resources.get("orders", "1") is None

    async def test_what_a_dropped_unit_wrote_is_gone(self, host, tenants):
        async def write(unit: Unit) -> None:
            await unit.resources.create(Resource("orders", "1", {}))
            await unit.instances.create(Instance("order", "1", "new"))
            unit.broker.publish("orders", {"n": 1})
            unit.runs.start(NewRun("pipeline:p", {}, "pipelines"))

        await _dropped(host, tenants[0], write)
        async with host.unit(tenants[0]) as unit:
            assert await unit.resources.get("orders", "1") is None
            assert await unit.instances.get("order", "1") is None
        assert await host.messages(tenants[0]) == []
        assert await host.runs(tenants[0]) == []

    async def test_one_tenant_sees_nothing_of_another(self, host, tenants):
        mine, theirs = tenants
        async with host.unit(mine) as unit:
            await unit.resources.create(Resource("orders", "1", {"of": "mine"}))
            await unit.instances.create(Instance("order", "1", "new"))
            unit.broker.publish("orders", {"n": 1})
            unit.runs.start(NewRun("pipeline:p", {}, "pipelines"))
        async with host.unit(theirs) as unit:
            assert await unit.resources.get("orders", "1") is None
            assert await unit.resources.page("orders") == []
            assert await unit.instances.get("order", "1") is None
            assert await unit.instances.page() == []
            assert await unit.instances.history("order", "1") == []
            assert await unit.resources.delete("orders", "1") is False
            await unit.resources.create(Resource("orders", "1", {"of": "theirs"}))
            await unit.instances.create(Instance("order", "1", "other"))
        assert await host.messages(theirs) == []
        assert await host.runs(theirs) == []
        async with host.unit(mine) as unit:
            assert (await unit.resources.get("orders", "1")).data == {"of": "mine"}
            assert (await unit.instances.get("order", "1")).state == "new"

    async def test_creating_a_taken_key_is_refused(self, host, tenants):
        async with host.unit(tenants[0]) as unit:
            await unit.resources.create(Resource("orders", "1", {"n": 1}))
            await unit.instances.create(Instance("order", "1", "new"))
        with pytest.raises(AlreadyExists):
            async with host.unit(tenants[0]) as unit:
                await unit.resources.create(Resource("orders", "1", {"n": 2}))
        with pytest.raises(AlreadyExists):
            async with host.unit(tenants[0]) as unit:
                await unit.instances.create(Instance("order", "1", "new"))

    async def test_after_a_refused_create_the_unit_is_still_usable(self, host, tenants):
        async with host.unit(tenants[0]) as unit:
            await unit.resources.create(Resource("orders", "1", {"n": 1}))
        async with host.unit(tenants[0]) as unit:
            with pytest.raises(AlreadyExists):
                await unit.resources.create(Resource("orders", "1", {"n": 2}))
            await unit.resources.create(Resource("orders", "2", {"n": 2}))
        async with host.unit(tenants[0]) as unit:
            assert [each.key for each in await unit.resources.page("orders")] == ["1", "2"]

    async def test_saving_replaces_and_keeps_the_time_of_creation(self, host, tenants):
        async with host.unit(tenants[0]) as unit:
            await unit.resources.create(Resource("orders", "1", {"n": 1}, "new"))
        async with host.unit(tenants[0]) as unit:
            before = await unit.resources.get("orders", "1", lock=True)
            await unit.resources.save(Resource("orders", "1", {"n": 2}, "paid"))
        async with host.unit(tenants[0]) as unit:
            after = await unit.resources.get("orders", "1")
        assert (after.data, after.state) == ({"n": 2}, "paid")
        assert after.created_at == before.created_at

    async def test_saving_a_new_key_inserts_it(self, host, tenants):
        async with host.unit(tenants[0]) as unit:
            await unit.resources.save(Resource("orders", "1", {"n": 1}))
        async with host.unit(tenants[0]) as unit:
            assert (await unit.resources.get("orders", "1")).data == {"n": 1}

    async def test_a_resource_with_an_end_is_gone_after_it_and_its_key_is_free(self, host, tenants):
        async with host.unit(tenants[0]) as unit:
            soon = unit.clock.now() - timedelta(seconds=1)
            await unit.resources.create(Resource("events", "1", {"n": 1}, "old", expires_at=soon + timedelta(hours=1)))
            await unit.resources.save(Resource("events", "2", {"n": 2}, expires_at=soon))
        async with host.unit(tenants[0]) as unit:
            kept = await unit.resources.get("events", "1", lock=True)
            assert (kept.data, kept.expires_at) == ({"n": 1}, soon + timedelta(hours=1))
            kept.expires_at = soon
            await unit.resources.save(kept)
        async with host.unit(tenants[0]) as unit:
            assert await unit.resources.get("events", "1") is None
            assert await unit.resources.get("events", "2", lock=True) is None
            assert await unit.resources.page("events") == []
            await unit.resources.create(Resource("events", "1", {"n": 3}))
        async with host.unit(tenants[0]) as unit:
            again = await unit.resources.get("events", "1")
        assert (again.data, again.state, again.expires_at) == ({"n": 3}, None, None)

    async def test_deleting_says_whether_it_was_there(self, host, tenants):
        async with host.unit(tenants[0]) as unit:
            await unit.resources.create(Resource("orders", "1", {}))
            assert await unit.resources.delete("orders", "2") is False
        async with host.unit(tenants[0]) as unit:
            assert await unit.resources.delete("orders", "1") is True
            assert await unit.resources.get("orders", "1") is None
        async with host.unit(tenants[0]) as unit:
            assert await unit.resources.page("orders") == []

    async def test_objects_whose_keys_identify_people_behave_as_any_others(self, host, tenants):
        kind = PrivateKind("users")
        async with host.unit(tenants[0]) as unit:
            for number in range(3):
                await unit.resources.create(Resource(kind, f"{number}@example.com", {"n": number}, "new"))
        with pytest.raises(AlreadyExists):
            async with host.unit(tenants[0]) as unit:
                await unit.resources.create(Resource(kind, "1@example.com", {}))
        async with host.unit(tenants[0]) as unit:
            found = await unit.resources.get(kind, "1@example.com", lock=True)
            assert (found.kind, found.key, found.data, found.state) == (kind, "1@example.com", {"n": 1}, "new")
            found.data = {"n": 11}
            await unit.resources.save(found)
            await unit.resources.save(Resource(kind, "3@example.com", {"n": 3}))
            assert await unit.resources.delete(kind, "2@example.com") is True
            assert await unit.resources.delete(kind, "2@example.com") is False
        async with host.unit(tenants[0]) as unit:
            page = await unit.resources.page(kind)
            behind = await unit.resources.page(kind, after="1@example.com")
            assert (await unit.resources.page("users", limit=1))[0].key == "0@example.com"
        assert [(each.key, each.data["n"]) for each in page] == [
            ("0@example.com", 0),
            ("1@example.com", 11),
            ("3@example.com", 3),
        ]
        assert [each.key for each in behind] == ["3@example.com"]
        async with host.unit(tenants[1]) as unit:
            assert await unit.resources.get(kind, "1@example.com") is None

    async def test_pages_are_in_creation_order_and_resume_behind_a_key(self, host, tenants):
        for key in ("b", "a", "c", "d"):
            async with host.unit(tenants[0]) as unit:
                await unit.resources.create(Resource("orders", key, {}, "new" if key != "c" else "paid"))
        async with host.unit(tenants[0]) as unit:
            assert [each.key for each in await unit.resources.page("orders")] == ["b", "a", "c", "d"]
            assert [each.key for each in await unit.resources.page("orders", limit=2)] == ["b", "a"]
            assert [each.key for each in await unit.resources.page("orders", after="a")] == ["c", "d"]
            assert [each.key for each in await unit.resources.page("orders", states=["paid"])] == ["c"]
            assert await unit.resources.page("customers") == []

    async def test_changing_a_value_that_was_read_changes_nothing_until_it_is_saved(self, host, tenants):
        async with host.unit(tenants[0]) as unit:
            await unit.resources.create(Resource("orders", "1", {"items": [1]}))
            found = await unit.resources.get("orders", "1")
            found.data["items"].append(2)
            assert (await unit.resources.get("orders", "1")).data == {"items": [1]}

    async def test_an_instance_and_its_history_come_back_in_order(self, host, tenants):
        async with host.unit(tenants[0]) as unit:
            await unit.instances.create(Instance("order", "7", "new", data={"n": 1}))
        for number, state in enumerate(("checked", "paid"), start=1):
            async with host.unit(tenants[0]) as unit:
                instance = await unit.instances.get("order", "7", lock=True)
                record = TransitionRecord(f"to_{state}", instance.state, state, {"step": number})
                instance.previous_state, instance.state = instance.state, state
                instance.completed = state == "paid"
                instance.data = {**instance.data, "last": state}
                await unit.instances.save(instance, record)
                assert instance.sequence == number
        async with host.unit(tenants[0]) as unit:
            found = await unit.instances.get("order", "7")
            history = await unit.instances.history("order", "7")
        assert (found.state, found.previous_state, found.completed, found.sequence) == ("paid", "checked", True, 2)
        assert found.data == {"n": 1, "last": "paid"}
        assert [(line["sequence"], line["transition"], line["from"], line["to"]) for line in history] == [
            (1, "to_checked", "new", "checked"),
            (2, "to_paid", "checked", "paid"),
        ]
        assert [line["data"] for line in history] == [{"step": 1}, {"step": 2}]
        assert all(line["at"] for line in history)

    async def test_saving_without_a_record_adds_nothing_to_the_history(self, host, tenants):
        async with host.unit(tenants[0]) as unit:
            await unit.instances.create(Instance("order", "1", "new"))
            instance = await unit.instances.get("order", "1", lock=True)
            instance.error = "broken"
            await unit.instances.save(instance)
            assert (await unit.instances.get("order", "1")).error == "broken"
        async with host.unit(tenants[0]) as unit:
            assert (await unit.instances.get("order", "1")).error == "broken"
            assert await unit.instances.history("order", "1") == []

    async def test_instances_are_listed_by_key_machine_and_state(self, host, tenants):
        async with host.unit(tenants[0]) as unit:
            for machine, key, state in (("order", "b", "new"), ("order", "a", "paid"), ("parcel", "c", "new")):
                await unit.instances.create(Instance(machine, key, state))
        async with host.unit(tenants[0]) as unit:
            assert [each.key for each in await unit.instances.page()] == ["a", "b", "c"]
            assert [each.key for each in await unit.instances.page("order")] == ["a", "b"]
            assert [each.key for each in await unit.instances.page("order", state="new")] == ["b"]
            assert [each.key for each in await unit.instances.page("order", after="a", limit=1)] == ["b"]

    async def test_several_instances_are_fetched_at_once_by_their_keys(self, host, tenants):
        for tenant in tenants[:2]:
            async with host.unit(tenant) as unit:
                for machine, key in (("order", "a"), ("order", "b"), ("parcel", "a")):
                    await unit.instances.create(Instance(machine, key, "new", data={"whose": str(tenant)}))
        async with host.unit(tenants[0]) as unit:
            await unit.instances.create(Instance("order", "c", "new"))
            found = await unit.instances.several("order", ["a", "c", "none"])
            assert sorted(found) == ["a", "c"]
            assert (found["a"].machine, found["a"].data) == ("order", {"whose": str(tenants[0])})
            assert await unit.instances.several("order", []) == {}

    async def test_a_locked_instance_waits_for_the_unit_that_holds_it(self, host, tenants):
        async with host.unit(tenants[0]) as unit:
            await unit.instances.create(Instance("order", "1", "new", data={"n": 0}))

        async def add_one() -> None:
            async with host.unit(tenants[0]) as unit:
                instance = await unit.instances.get("order", "1", lock=True)
                await asyncio.sleep(0)
                instance.data = {"n": instance.data["n"] + 1}
                await unit.instances.save(instance, TransitionRecord("add", "new", "new", {}))

        await asyncio.gather(*(add_one() for _ in range(5)))
        async with host.unit(tenants[0]) as unit:
            found = await unit.instances.get("order", "1")
        assert (found.data, found.sequence) == ({"n": 5}, 5)

    async def test_saving_over_a_newer_version_is_a_lost_race(self, host, tenants):
        async with host.unit(tenants[0]) as unit:
            await unit.instances.create(Instance("order", "1", "new"))
            stale = await unit.instances.get("order", "1")
        async with host.unit(tenants[0]) as unit:
            fresh = await unit.instances.get("order", "1", lock=True)
            await unit.instances.save(fresh, TransitionRecord("t", "new", "new", {}))
        with pytest.raises(LostRace):
            async with host.unit(tenants[0]) as unit:
                await unit.instances.save(stale, TransitionRecord("t", "new", "new", {}))

    async def test_messages_leave_with_the_commit_in_the_order_they_were_published(self, host, tenants):
        async with host.unit(tenants[0]) as unit:
            first = unit.broker.publish("orders", {"n": 1}, key="a", headers={"x": "y"})
            second = unit.broker.publish("orders.paid", [1, "two", None])
            assert first != second
            assert await host.messages(tenants[0]) == []
        found = await host.messages(tenants[0])
        assert [(each["topic"], each["key"], each["payload"]) for each in found] == [
            ("orders", "a", {"n": 1}),
            ("orders.paid", None, [1, "two", None]),
        ]

    async def test_runs_are_accepted_with_the_commit_under_the_id_they_were_given(self, host, tenants):
        async with host.unit(tenants[0]) as unit:
            run_id = unit.runs.start(NewRun("pipeline:p", {"n": 1}, "pipelines", source="api", correlation="7"))
        found = await host.runs(tenants[0])
        assert [(str(each["id"]), each["entry"], each["input"]) for each in found] == [
            (str(run_id), "pipeline:p", {"n": 1})
        ]

    async def test_an_intent_stays_when_its_unit_is_dropped(self, host, tenants):
        step = uuid4()

        async def intend(unit: Unit) -> None:
            await unit.effects.intend(step, 1, kind="webhook.sender", effect="idempotent", key=str(step))

        await _dropped(host, tenants[0], intend)
        assert await host.ledger(tenants[0], step, 1) == (True, None)
        assert await host.ledger(tenants[0], step, 2) == (False, None)
        assert await host.ledger(tenants[1], step, 1) == (False, None)

    async def test_an_intent_may_be_repeated_and_a_receipt_settles_it(self, host, tenants):
        step = uuid4()
        async with host.unit(tenants[0]) as unit:
            for _ in range(2):
                await unit.effects.intend(step, 1, kind="webhook.sender", effect="idempotent", key=str(step))
            await unit.effects.receipt(step, 1, {"value": {"status": 200}, "error": None})
        found, receipt = await host.ledger(tenants[0], step, 1)
        assert found
        assert receipt["value"] == {"status": 200}

    async def test_cached_values_are_their_module_s_and_end(self, host, tenants):
        async with host.unit(tenants[0]) as unit:
            await unit.cache.set("fast", {"a": {"n": [1, None]}, "b": 2}, ttl=60, most=10)
            await unit.cache.set("fast", {"short": 1}, ttl=0.000001, most=10)
            await unit.cache.set("other", {"a": 3}, ttl=60, most=10)
        async with host.unit(tenants[0]) as unit:
            assert await unit.cache.get("fast", ["a", "b", "c", "short"]) == {"a": {"n": [1, None]}, "b": 2}
            assert await unit.cache.get("other", ["a"]) == {"a": 3}
            assert await unit.cache.delete("fast", ["a", "c", "a"]) == 1
            assert await unit.cache.get("fast", ["a", "b"]) == {"b": 2}
            await unit.cache.flush("fast")
            assert await unit.cache.get("fast", ["b"]) == {}
            assert await unit.cache.get("other", ["a"]) == {"a": 3}
            assert await unit.cache.get("other", []) == {}

    async def test_two_tenants_never_share_a_cached_value(self, host, tenants):
        mine, theirs = tenants
        async with host.unit(mine) as ours, host.unit(theirs) as other:
            await ours.cache.set("fast", {"k": "mine"}, ttl=60, most=10)
            assert await other.cache.get("fast", ["k"]) == {}
            assert await other.cache.delete("fast", ["k"]) == 0
            await other.cache.set("fast", {"k": "theirs"}, ttl=60, most=10)
            await other.cache.flush("fast")
            assert await ours.cache.get("fast", ["k"]) == {"k": "mine"}
            await ours.cache.flush("fast")

    async def test_a_cache_forgets_what_ends_first_beyond_its_number(self, host, tenants):
        async with host.unit(tenants[0]) as unit:
            await unit.cache.set("small", {"soon": 1}, ttl=10, most=2)
            await unit.cache.set("small", {"late": 1}, ttl=1000, most=2)
            await unit.cache.set("small", {"later": 1}, ttl=2000, most=2)
            assert await unit.cache.get("small", ["soon", "late", "later"]) == {"late": 1, "later": 1}
            await unit.cache.flush("small")

    async def test_a_cached_value_and_all_of_a_tenant_have_a_largest_size(self, host, tenants):
        large = "x" * (LARGEST_VALUE - 2)
        async with host.unit(tenants[0]) as unit:
            with pytest.raises(StepFailed) as refused:
                await unit.cache.set("big", {"a": large + "x"}, ttl=60, most=100)
            assert refused.value.code == "cache.too_large"
            count = LARGEST_TENANT // LARGEST_VALUE
            for number in range(count + 1):
                await unit.cache.set("big", {str(number): large}, ttl=60 + number, most=100)
            names = [str(number) for number in range(count + 1)]
            assert sorted(await unit.cache.get("big", names)) == sorted(names[1:])
            await unit.cache.set("big", {"1": "y"}, ttl=500, most=100)
            await unit.cache.set("big", {"0": large}, ttl=500, most=100)
            assert sorted(await unit.cache.get("big", names)) == sorted({*names} - {"2"})
            await unit.cache.flush("big")

    async def test_the_clock_is_aware_and_chance_is_a_fraction(self, host, tenants):
        async with host.unit(tenants[0]) as unit:
            assert unit.clock.now().utcoffset() is not None
            assert 0 <= unit.clock.random() < 1
