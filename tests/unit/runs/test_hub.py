"""Watchers of a list hear of the last change, at most four times a second."""

from uuid import uuid4

import orjson
import pytest

from apps.runs.adapters.hub import Hub
from apps.runs.adapters.live import channel_of, hint
from tests.support.waiting import wait_for_async

pytestmark = pytest.mark.spec("SPINE-B8")


class Watching:
    """An open socket that remembers what it was sent."""

    def __init__(self):
        self.frames = []

    async def send_frame(self, frame):
        self.frames.append(orjson.loads(frame))

    def times(self, number):
        """Return a probe: whether it was told so often."""

        async def probe():
            return len(self.frames) == number

        return probe


async def nothing(*_):
    return None


async def test_changes_within_the_pause_are_told_once_more_when_it_is_over():
    hub, watcher, tenant_id = Hub("redis://127.0.0.1:1", nothing, nothing), Watching(), uuid4()
    await hub.follow_list(watcher, tenant_id)
    message = {"channel": channel_of(tenant_id).encode(), "data": hint({})}
    await hub._hear(message)
    await wait_for_async(watcher.times(1), what="the first frame")
    await hub._hear(message)
    await hub._hear(message)
    await wait_for_async(watcher.times(2), what="the second frame")
    await hub.close()
    assert watcher.frames == [{"type": "more", "stream": "runs"}] * 2
