"""What runs tell of themselves: their lifecycle events, as messages, when the application or a link takes them in."""

import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from apps.engine.asgi import RequestRecord
from apps.engine.events import Hearing, beginning, ending
from apps.engine.links.following import is_forwarding
from apps.engine.local.message import Message
from apps.engine.local.store import decode, read_time
from apps.engine.run.state import RunState

HTTP = "http"

IsHeard = Callable[[str], bool]


def of_request(is_heard: IsHeard, record: RequestRecord, ended_at: datetime) -> list[Message]:
    """Return the messages that an answered request gives rise to."""
    hearing = Hearing(HTTP, is_heard)
    if not (hearing.begin or hearing.hears_end(record.state)):
        return []
    output = _json_or_none(record.response.body)
    run = {
        "section": HTTP,
        "action": record.route.name,
        "workflow": record.route.handler,
        "started_at": record.started_at,
        "input": _json_or_none(record.request.body),
        "state": record.state,
        "finished_at": ended_at,
        "duration_us": _microseconds(record.started_at, ended_at),
        "output": output,
        "error": output.get("detail") or output.get("title") if isinstance(output, dict) else None,
    }
    return [Message.new(event["topic"], event["payload"]) for event in hearing.of(run)]


def of_beginning(is_heard: IsHeard, row: sqlite3.Row, state: RunState, now: datetime) -> list[Message]:
    """Return the message of a run's first claim."""
    if _tells_nothing(row, state) or not Hearing(row["section"], is_heard).begin:
        return []
    return [_message(beginning({**_named(row), "started_at": now, "input": decode(row["input"])}), state)]


def of_end(is_heard: IsHeard, row: sqlite3.Row, state: RunState, now: datetime) -> list[Message]:
    """Return the message of a run's end."""
    if _tells_nothing(row, state) or not Hearing(row["section"], is_heard).hears_end(state.status.value):
        return []
    started_at = read_time(row["started_at"]) or now
    run = {
        **_named(row),
        "state": state.status.value,
        "finished_at": now,
        "duration_us": _microseconds(started_at, now),
        "output": state.output,
        "error": state.error,
    }
    return [_message(event, state) for event in ending(run)]


def _tells_nothing(row: sqlite3.Row, state: RunState) -> bool:
    return state.quiet or is_forwarding(row["source"], row["entry"])


def _message(event: Mapping[str, Any], state: RunState) -> Message:
    return Message.new(event["topic"], event["payload"], headers=state.way.headers())


def _named(row: sqlite3.Row) -> dict[str, str]:
    return {name: row[name] for name in ("section", "action", "workflow")}


def _microseconds(began: datetime, ended: datetime) -> int:
    return int((ended - began).total_seconds() * 1_000_000)


def _json_or_none(content: bytes) -> object:
    try:
        return decode(content or None)
    except ValueError:
        return None
