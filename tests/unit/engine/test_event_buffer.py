"""Events that wait: locked, bounded, and gone after their time."""

import pytest

from apps.engine.event_buffer import KIND, LONGEST_DATA, MOST_BYTES, Keeping, open_buffer
from apps.engine.patterns import Event, Pattern
from apps.engine.ports import LostRace
from apps.engine.testing import Bench

pytestmark = [pytest.mark.spec("CAT-B2"), pytest.mark.spec("D21")]
SECOND = 1_000_000
PAIR = (Pattern("pair", ("a",), 60 * SECOND, least=2),)
KEEPING = Keeping(360.0, 5)


def event(name, at=0, data=None, **more):
    return Event(str(name), at * SECOND, frozenset("a"), data=data, **more)


async def add(bench, *events, correlation="c", scope="local", patterns=PAIR, keeping=KEEPING):
    async with bench.host.unit(scope) as unit:
        buffer = await open_buffer(unit, "p", correlation)
        for each in events:
            buffer.add(each)
        lost = buffer.shrink(patterns, keeping)
        await buffer.save(unit, keeping)
    return lost


async def kept(bench, correlation="c", scope="local"):
    async with bench.host.unit(scope) as unit:
        return [each.id for each in (await open_buffer(unit, "p", correlation)).events]


@pytest.fixture
async def bench():
    async with Bench() as made:
        made.now = int(made.clock.now().timestamp())
        yield made


async def test_events_come_back_as_they_were_kept(bench):
    first = event(1, bench.now, {"n": [1, None]}, source="s", topic="t")
    await add(bench, first)
    async with bench.host.unit() as unit:
        assert (await open_buffer(unit, "p", "c")).events == [first]


async def test_two_tenants_and_two_correlation_ids_have_buffers_of_their_own(bench):
    await add(bench, event(1, bench.now))
    await add(bench, event(2, bench.now), correlation="d")
    await add(bench, event(3, bench.now), scope="other")
    assert (await kept(bench), await kept(bench, "d"), await kept(bench, scope="other")) == (["1"], ["2"], ["3"])


@pytest.mark.parametrize("correlation", ["", "x" * 5_000, "a\x00b", "\ud800", "id:", "ü / ?"])
async def test_any_text_is_a_correlation_id_of_its_own(bench, correlation):
    await add(bench, event(1, bench.now), correlation=correlation)
    assert (await kept(bench, correlation), await kept(bench, correlation + "y")) == (["1"], [])


async def test_a_buffer_in_hand_is_nobody_else_s(bench):
    async with bench.host.unit() as unit:
        await open_buffer(unit, "p", "c")
        with pytest.raises(LostRace):
            async with bench.host.unit() as other:
                await open_buffer(other, "p", "c")


async def test_a_unit_that_is_dropped_leaves_no_event(bench):
    unit = bench.host.new_unit("local")
    buffer = await open_buffer(unit, "p", "c")
    buffer.add(event(1, bench.now))
    await buffer.save(unit, KEEPING)
    unit.release()
    assert await kept(bench) == []


async def test_only_so_many_events_are_kept_and_the_oldest_go_first(bench):
    assert await add(bench, *(event(n, bench.now + n) for n in range(8))) == 3
    assert await kept(bench) == ["3", "4", "5", "6", "7"]


async def test_only_so_many_bytes_are_kept(bench):
    big = "x" * (LONGEST_DATA - 10)
    await add(bench, *(event(n, bench.now, big) for n in range(20)), keeping=Keeping(360.0, 1_000))
    assert 1 <= len(await kept(bench)) <= MOST_BYTES // len(big)


async def test_the_data_of_an_event_that_are_too_large_are_left_out_and_it_counts(bench):
    await add(bench, event(1, bench.now, "x" * (LONGEST_DATA + 1)))
    async with bench.host.unit() as unit:
        (found,) = (await open_buffer(unit, "p", "c")).events
    assert (found.id, found.data) == ("1", None)


async def test_of_a_used_event_only_its_id_stays(bench):
    await add(bench, event(1, bench.now, {"secret": 1}, used={"pair"}))
    async with bench.host.unit() as unit:
        buffer = await open_buffer(unit, "p", "c")
    assert (buffer.events[0].data, buffer.knows("1"), buffer.knows("2")) == (None, True, False)


async def test_time_does_not_go_back_within_a_buffer(bench):
    await add(bench, event(1, bench.now + 50), event(2, bench.now))
    async with bench.host.unit() as unit:
        times = [each.at for each in (await open_buffer(unit, "p", "c")).events]
    assert times == [(bench.now + 50) * SECOND] * 2


async def test_events_are_gone_a_while_after_the_last_one(bench):
    await add(bench, event(1, bench.now))
    bench.clock.advance(359)
    assert await kept(bench) == ["1"]
    await add(bench, event(2, bench.now))
    bench.clock.advance(2)
    async with bench.host.unit() as unit:
        assert await unit.resources.page(f"{KIND}p") == []
    await add(bench, event(3, bench.now + 361))
    assert await kept(bench) == ["3"]
