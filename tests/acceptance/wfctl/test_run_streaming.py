"""`wfctl run` passes on what a partner sends while it is being sent."""

import asyncio
from urllib.parse import urlsplit

import pytest

from tests.support.streaming_upstream import BrokenOff, Reading, streaming_upstream
from tests.support.wfctl import Serving

pytestmark = [pytest.mark.spec("http.proxy"), pytest.mark.slow]
TEXT = """
modules:
  - {{name: server, type: http.server, config: {{address: ":8080"}}}}
  - {{name: router, type: http.router}}
  - {{name: gate, type: http.proxy, config: {{target: "{url}"}}}}
workflows:
  http:
    routes: [{{method: GET, path: "/{{rest...}}", handler: gate}}]
"""


async def test_events_and_broken_answers_go_on_as_they_come(tmp_path):
    with streaming_upstream() as partner:
        file = tmp_path / "gate.yaml"
        file.write_text(TEXT.format(url=partner.url))
        with Serving(file) as served:
            port = int(urlsplit(served.url).port or 0)
            reading = await Reading.of(port, "GET", "/one/events")
            assert await reading.chunk() == b"data: first\n\n"
            await asyncio.to_thread(partner.tell, "/let/one/events")
            assert await reading.rest() == b"data: second\n\n"
            await reading.hang_up()
            broken = await Reading.of(port, "GET", "/two/broken?size=9000000")
            with pytest.raises(BrokenOff):
                await broken.rest()
            await broken.hang_up()
