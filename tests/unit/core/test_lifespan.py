"""The ends of a process are told to the application by us where the server does not do it."""

import pytest

from apps.core.management.lifespan import Lifespan, LifespanFailed
from config.web import WebProcess

pytestmark = pytest.mark.spec("SPINE-B5")


class Door:
    """An ingress that writes down what happens to it."""

    def __init__(self, *, is_stuck=False):
        self.seen = []
        self.is_stuck = is_stuck

    async def start(self):
        self.seen.append("start")

    async def stop(self):
        self.seen.append("stop")
        if self.is_stuck:
            raise RuntimeError("the database is gone")


def unsafe():
    """A database that would not keep tenants apart."""
    raise RuntimeError("role app owns tables")


async def test_a_web_process_is_opened_and_closed():
    door = Door()
    life = Lifespan(WebProcess(door, None, lambda: None))
    await life.start()
    assert door.seen == ["start"]
    await life.stop()
    assert door.seen == ["start", "stop"]


async def test_a_refusal_to_start_is_passed_on_in_its_own_words():
    door = Door()
    with pytest.raises(LifespanFailed, match=r"^role app owns tables$"):
        await Lifespan(WebProcess(door, None, unsafe)).start()
    assert door.seen == []


async def test_trouble_at_the_end_is_told_and_nobody_waits_for_ever():
    life = Lifespan(WebProcess(Door(is_stuck=True), None, lambda: None))
    await life.start()
    with pytest.raises(LifespanFailed, match=r"^the database is gone$"):
        await life.stop()
