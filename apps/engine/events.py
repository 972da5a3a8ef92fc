"""Lifecycle events (spec/modules.md 6): made from run records, and only when somebody takes them in.

A run that an event started tells nothing of itself, nor does anything that follows from it: a subscription to
`workflow.**` would otherwise feed itself for ever.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

PREFIX = "workflow."
QUIET_HEADER = "weft-quiet"  # of messages: the runs that take them in tell nothing
REQUEST_HEADER = "x-request-id"  # of messages: the request that all of it follows from


def started(section: str, action: str, at: datetime, *, workflow: str = "", data: Any = None) -> dict[str, Any]:
    """Return the event of a run that began: `{topic, payload}`."""
    return _event(section, "started", {"action": action, "timestamp": at, "data": data}, workflow)


def completed(
    section: str, action: str, at: datetime, duration_ns: int, *, workflow: str = "", results: Any = None
) -> dict[str, Any]:
    """Return the event of a run that succeeded; `duration` is in nanoseconds."""
    return _event(
        section, "completed", {"action": action, "timestamp": at, "duration": duration_ns, "results": results}, workflow
    )


def failed(
    section: str, action: str, at: datetime, duration_ns: int, error: Mapping[str, Any] | str, *, workflow: str = ""
) -> dict[str, Any]:
    """Return the event of a run that failed."""
    text = error if isinstance(error, str) else str(error.get("message", ""))
    return _event(
        section, "failed", {"action": action, "timestamp": at, "duration": duration_ns, "error": text}, workflow
    )


def step(section: str, record: Mapping[str, Any], status: str, at: datetime, *, workflow: str = "") -> dict[str, Any]:
    """Return the event of one step; `status` is started, completed or failed.

    `record` has name, and where they apply connector, action, duration_ns, results, error.
    """
    payload = {
        "stepName": record["name"],
        "connector": record.get("connector"),
        "action": record.get("action"),
        "timestamp": at,
        "duration": record.get("duration_ns"),
        "results": record.get("results"),
        "error": record.get("error"),
    }
    made = _event(section, status, payload, workflow)
    made["topic"] = f"workflow.{section}.step.{record['name']}.{status}"
    return made


def of_run(run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the events of a finished or running run record: started, and how it ended when it has.

    `run` has section, action, workflow, started_at, and when ended state, finished_at, output, error, duration_us.
    """
    return [beginning(run), *ending(run)]


def beginning(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event of a run's beginning."""
    workflow, data = run.get("workflow", ""), run.get("input")
    return started(run["section"], run["action"], run["started_at"], workflow=workflow, data=data)


def ending(run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the event of a run's end, none while it is going on."""
    common = {"workflow": run.get("workflow", "")}
    events = []
    ended_at, duration = run.get("finished_at"), (run.get("duration_us") or 0) * 1000
    if run.get("state") == "done" and ended_at:
        events.append(completed(run["section"], run["action"], ended_at, duration, results=run.get("output"), **common))
    elif run.get("state") in ("failed", "cancelled") and ended_at:
        events.append(failed(run["section"], run["action"], ended_at, duration, run.get("error") or "", **common))
    return events


def is_quiet(topic: str, headers: Mapping[str, Any] | None = None) -> bool:
    """Whether the runs that take in such a message tell nothing of themselves."""
    return topic.startswith(PREFIX) or QUIET_HEADER in (headers or {})


class Hearing:
    """Which lifecycle events of one section's runs anybody takes in."""

    __slots__ = ("begin", "complete", "fail")

    def __init__(self, section: str, is_heard: Callable[[str], bool]) -> None:
        self.begin = is_heard(f"{PREFIX}{section}.started")
        self.complete = is_heard(f"{PREFIX}{section}.completed")
        self.fail = is_heard(f"{PREFIX}{section}.failed")

    def hears_end(self, state: str) -> bool:
        """Whether the end of a run in this state is taken in."""
        return self.complete if state == "done" else self.fail

    def of(self, run: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the events of a request's record that are taken in, from its beginning to its end."""
        events = [beginning(run)] if self.begin else []
        return [*events, *ending(run)] if self.hears_end(run["state"]) else events


def _event(section: str, status: str, payload: dict[str, Any], workflow: str) -> dict[str, Any]:
    body = {"workflowType": section, "status": status, **payload}
    if workflow:
        body["workflow"] = workflow
    body["timestamp"] = body["timestamp"].isoformat()
    kept = {key: value for key, value in body.items() if value is not None and value != ""}
    return {"topic": f"workflow.{section}.{status}", "payload": kept}
