"""Runs under crashes, duplicates, late workers and clock jumps are never lost, doubled or stranded."""

import asyncio
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.engine.run.simulator import BrokenPromise, Simulation, simulate
from apps.engine.run.state import Status


@pytest.mark.spec("SPINE-B6", "SPINE-B6.3", "SPINE-B6.7")
async def test_two_thousand_lives_end_as_promised_in_time():
    began = perf_counter()
    assert await simulate(range(2000)) == 2000
    assert perf_counter() - began < 60


@pytest.mark.spec("SPINE-B6")
@given(seed=st.integers(0, 2**64), crash_rate=st.floats(0, 0.6), zombie_rate=st.floats(0, 0.5))
@settings(max_examples=300, deadline=None)
def test_any_schedule_ends_as_promised(seed, crash_rate, zombie_rate):
    simulation = Simulation(seed, crash_rate=crash_rate, zombie_rate=zombie_rate)
    state = asyncio.run(simulation.live())
    assert state.status is Status.DONE


async def test_the_simulator_does_meet_every_trouble():
    crashed = overtaken = unknown = again = revived = nested = 0
    for seed in range(400):
        simulation = Simulation(seed, crash_rate=0.4, zombie_rate=0.3)
        await simulation.live()
        crashed += simulation.epoch > len(simulation.kinds) + 3
        overtaken += any(count > 1 for count in simulation.world.arrived.values())
        unknown += bool(simulation.sent_again)
        revived += simulation.revived > 0
        nested += simulation.revived > 0 and simulation.is_nested
        again += any(attempt > 1 for _, attempt in simulation.ledger)
    assert min(crashed, overtaken, unknown, again, revived, nested) > 5


async def test_the_simulator_notices_a_broken_law(monkeypatch):
    monkeypatch.setattr("apps.engine.run.recovery.without_receipt", lambda effect: "try")
    monkeypatch.setattr("apps.engine.run.decide.without_receipt", lambda effect: "try")
    with pytest.raises(BrokenPromise, match="seed"):
        await simulate(range(500))
