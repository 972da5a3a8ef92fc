"""What the live socket told a page, and what the page shows of it."""

import json
from itertools import pairwise
from typing import Any

from playwright.sync_api import Page, WebSocket


class Frames:
    """The decoded frames of one socket, in order."""

    def __init__(self, socket: WebSocket) -> None:
        self.sent: list[dict[str, Any]] = []
        self.received: list[dict[str, Any]] = []
        socket.on("framesent", lambda text: self.sent.append(json.loads(text)))
        socket.on("framereceived", lambda text: self.received.append(json.loads(text)))

    def asked(self, run: str) -> list[Any]:
        """Return the numbers behind which the page asked to follow the run."""
        wanted = f"run:{run}"
        return [frame["after"] for frame in self.sent if (frame["type"], frame.get("stream")) == ("subscribe", wanted)]

    def told(self, run: str) -> list[dict[str, Any]]:
        """Return what was told of the run, whole states and events."""
        return [frame for frame in self.received if frame.get("stream") == f"run:{run}"]


def shown_steps(page: Page) -> list[tuple[str, str]]:
    """Return names and states of the steps in the timeline, from top to bottom."""
    rows: list[list[str]] = page.locator(".timeline__item").evaluate_all(
        "rows => rows.map(row => [row.dataset.step, row.dataset.state])"
    )
    return [(name, state) for name, state in rows]


def told_steps(run: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the same of a run as the API tells it."""
    return [(step["name"], step["state"]) for step in run["steps"]]


def assert_resumed(sockets: list[Frames], run: str, last: int) -> None:
    """Check that a page went on behind the number it had, was told every later one, and none twice."""
    followed = [one for one in sockets if one.asked(run)]
    assert len(followed) > 1, "the connection was never lost"
    for earlier, later in pairwise(followed):
        behind = later.asked(run)[0]
        known = [frame["sequence"] for frame in earlier.told(run)]
        assert behind == max(known, default=earlier.asked(run)[0])
        assert all(frame["sequence"] > behind for frame in later.told(run))
    events = [frame for one in followed for frame in one.told(run) if frame["type"] == "event"]
    keys = [(frame["sequence"], frame["event"]["kind"], _index(frame)) for frame in events]
    assert len(keys) == len(set(keys)), keys
    assert events[-1]["sequence"] == last


def _index(frame: dict[str, Any]) -> Any:
    return frame["event"].get("step", {}).get("index")
