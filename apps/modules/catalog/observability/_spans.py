"""Lifecycle events of runs (spec/modules.md 6) as spans of OTLP, in its JSON form."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_NANOSECONDS = 2**64 - 1
LONGEST_TEXT = 1000  # characters of a name, an attribute or an error
INTERNAL, SERVER = 1, 2
OK, ERROR = 1, 2


class BadEvent(ValueError):
    """A message on a lifecycle topic that tells of no run."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a span is called outside: hexadecimal, 16 and 8 bytes."""

    trace: str
    span: str

    @classmethod
    def of(cls, request_id: str, run_id: UUID, step_id: UUID) -> "Identity":
        """Return the trace of a request, else of the run alone; the span follows from the step, so a repeat has it too.

        A request id that is a UUID is the trace id itself; one of another form is digested.
        """
        return cls(_trace_of(request_id) if request_id else run_id.hex, _digest(str(step_id), 8))


def span_of(event: dict[str, Any], identity: Identity, request_id: str) -> dict[str, Any]:
    """Return a span that ends with the event and began its duration before; raise `BadEvent` when it has no time."""
    section, has_failed = str(event["workflowType"]), event.get("status") == "failed"
    ended = _nanoseconds(event.get("timestamp"))
    duration = event.get("duration")
    duration = max(0, duration) if isinstance(duration, int) and not isinstance(duration, bool) else 0
    about = {
        "workflow.type": section,
        "workflow.name": event.get("workflow"),
        "workflow.action": event.get("action"),
        "workflow.status": event.get("status"),
        "http.request.id": request_id,
    }
    error = event.get("error")
    status = {"code": ERROR, "message": _short(error)} if has_failed else {"code": OK}
    return {
        "traceId": identity.trace,
        "spanId": identity.span,
        "name": _short(f"{section} {event.get('workflow') or event.get('action') or ''}".strip()),
        "kind": SERVER if section == "http" else INTERNAL,
        "startTimeUnixNano": str(max(0, ended - duration)),
        "endTimeUnixNano": str(ended),
        "attributes": attributes(about),
        "status": {key: said for key, said in status.items() if said},
    }


def export_of(span: dict[str, Any], service: str) -> dict[str, Any]:
    """Return the request of one span (`ExportTraceServiceRequest`)."""
    resource = {"attributes": attributes({"service.name": service, "telemetry.sdk.name": "weft"})}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "weft"}, "spans": [span]}]}]}


def attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Return texts as a list of attributes, the empty ones left out."""
    return [{"key": key, "value": {"stringValue": _short(said)}} for key, said in values.items() if said]


def _nanoseconds(said: Any) -> int:
    try:
        moment = datetime.fromisoformat(said)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        found = (aware - EPOCH) // timedelta(microseconds=1) * 1000
    except (TypeError, ValueError, OverflowError):
        raise BadEvent(f"{str(said)[:40]!r} is no time") from None
    if not 0 <= found <= MOST_NANOSECONDS:
        raise BadEvent(f"{said} is no time that a span can have")
    return found


def _trace_of(request_id: str) -> str:
    try:
        found = UUID(request_id)
    except ValueError:
        return _digest(request_id, 16)
    return found.hex if found.int else _digest(request_id, 16)  # the trace of zeros is none


def _digest(text: str, size: int) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[: 2 * size]


def _short(said: Any) -> str:
    return "" if said is None else str(said)[:LONGEST_TEXT]
