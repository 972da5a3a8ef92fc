"""What runs tell of themselves: their lifecycle events, as messages, when the application takes them in."""

import sqlite3
from datetime import datetime

from apps.engine.application import Application
from apps.engine.asgi import RequestRecord
from apps.engine.events import Hearing, beginning, ending
from apps.engine.local.message import Message
from apps.engine.local.store import decode, read_time
from apps.engine.run.state import RunState

HTTP = "http"


def of_request(application: Application | None, record: RequestRecord, ended_at: datetime) -> list[Message]:
    """Return the messages that an answered request gives rise to."""
    if application is None:
        return []
    hearing = Hearing(HTTP, application.is_heard)
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


def of_beginning(application: Application, row: sqlite3.Row, state: RunState, now: datetime) -> list[Message]:
    """Return the message of a run's first claim."""
    if state.quiet or not Hearing(row["section"], application.is_heard).begin:
        return []
    event = beginning({**_named(row), "started_at": now, "input": decode(row["input"])})
    return [Message.new(event["topic"], event["payload"])]


def of_end(application: Application, row: sqlite3.Row, state: RunState, now: datetime) -> list[Message]:
    """Return the message of a run's end."""
    if state.quiet or not Hearing(row["section"], application.is_heard).hears_end(state.status.value):
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
    return [Message.new(event["topic"], event["payload"]) for event in ending(run)]


def _named(row: sqlite3.Row) -> dict[str, str]:
    return {name: row[name] for name in ("section", "action", "workflow")}


def _microseconds(began: datetime, ended: datetime) -> int:
    return int((ended - began).total_seconds() * 1_000_000)


def _json_or_none(content: bytes) -> object:
    try:
        return decode(content or None)
    except ValueError:
        return None
