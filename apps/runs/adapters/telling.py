"""What runs tell of themselves: lifecycle events (spec/modules.md 6) as messages of the unit that writes the row.

Asked for only when the application hears them (`Place.hearing`), so that a run nobody listens to costs nothing.
"""

from collections.abc import Iterable
from typing import Any

import orjson

from apps.engine.events import Hearing
from apps.engine.redaction import KnownSecrets
from apps.runs.adapters.broker import BufferedBroker
from apps.runs.adapters.payloads import LONGEST_PAYLOAD, PayloadTooLarge
from apps.runs.adapters.rows import NewRunRow
from apps.runs.rules.redaction import redacted

CONTENT = frozenset({"data", "results", "error"})
LONGEST_CONTENT = LONGEST_PAYLOAD - 16 * 1024  # leaves room for the rest of the event

Event = dict[str, Any]


def tell(broker: BufferedBroker, events: Iterable[Event]) -> None:
    """Publish events with what else the unit publishes; content that has grown too long on its way is left out."""
    for event in events:
        topic, payload = event["topic"], event["payload"]
        try:
            broker.publish(topic, payload, on_bus=True)
        except PayloadTooLarge:
            told = {name: value for name, value in payload.items() if name not in CONTENT}
            broker.publish(topic, told, on_bus=True)


def of_row(row: NewRunRow, hearing: Hearing, known: KnownSecrets) -> list[Event]:
    """Return the events of a row that is written when its run has ended."""
    if not (hearing.begin or hearing.hears_end(row.state)):
        return []
    output = content(row.output, known)
    run = {
        "section": row.origin.section,
        "action": row.origin.action,
        "workflow": row.origin.workflow_name,
        "state": row.state,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "duration_us": row.duration_us,
        "input": content(row.input, known),
        "output": output,
        "error": content(row.error, known) or _said(output),
    }
    return hearing.of(run)


def content(stored: bytes | None, known: KnownSecrets) -> Any:
    """Return a payload as others may see it; None when it is not JSON or too long to be passed on."""
    if not stored or len(stored) > LONGEST_CONTENT:
        return None
    try:
        return orjson.loads(known.redactor.payload(redacted(stored)))
    except orjson.JSONDecodeError:
        return None


def _said(output: Any) -> str:
    """Return what a problem answer says went wrong."""
    return str(output.get("detail") or output.get("title") or "") if isinstance(output, dict) else ""
