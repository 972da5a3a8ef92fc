"""Why a run is not moving: every run that has not ended says what it waits for, since when, and what frees it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class WaitReason(StrEnum):
    """The closed list of reasons (engine.md law 4)."""

    LIMIT = "limit"
    QUOTA = "quota"
    RATE = "rate"
    SCHEDULE = "schedule"
    TIMER = "timer"
    EVENT = "event"
    APPROVAL = "approval"
    RETRY = "retry back-off"
    DEPENDENCY = "dependency"
    PAUSED = "paused"
    WORKER = "missing worker"
    UNKNOWN_EFFECT = "unknown effect"


@dataclass(frozen=True, slots=True)
class Wait:
    """What a run waits for; `until` is None when only an event or a person frees it."""

    reason: WaitReason
    since: datetime
    until: datetime | None
    frees: str

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "reason": self.reason.value,
            "since": self.since.isoformat(),
            "until": None if self.until is None else self.until.isoformat(),
            "for": self.frees,
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Wait":
        """Rebuild from `as_dict`."""
        until = stored["until"]
        return cls(
            WaitReason(stored["reason"]),
            datetime.fromisoformat(stored["since"]),
            None if until is None else datetime.fromisoformat(until),
            stored["for"],
        )


def for_worker(now: datetime) -> Wait:
    """Ready and not yet claimed."""
    return Wait(WaitReason.WORKER, now, None, "the next free worker")


def for_retry(now: datetime, until: datetime, error: dict[str, Any]) -> Wait:
    """Between two tries of a step; tells the failure's code only: its message may quote what the step was given."""
    return Wait(WaitReason.RETRY, now, until, f"the next try after: {error['code']}")


def for_person(now: datetime) -> Wait:
    """A step whose effect may or may not have happened, and must not happen twice."""
    return Wait(WaitReason.UNKNOWN_EFFECT, now, None, "a late receipt, or a person: check, it happened, send again")
