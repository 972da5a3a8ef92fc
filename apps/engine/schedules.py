"""What an application does by the clock: jobs of the `scheduler` section, of the `schedule` trigger, of modules."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from apps.engine.ports import NewRun
from apps.engine.timetable import Timetable

SOURCE = "schedule"  # of the runs
MOST_JOBS = 200  # of one document, those of the section, the trigger and all modules together

Fire = Callable[[datetime], NewRun]


@dataclass(frozen=True, slots=True)
class Schedule:
    """One job with its own clock.

    `name` tells it from the document's other schedules and stays while what it runs stays; a host keeps its next time
    under name and timetable. `fire(due)` returns the run to accept and never raises: what cannot be started is a run
    that fails and says why (spec/modules.md 6 [T]).
    """

    name: str
    timetable: Timetable
    fire: Fire
    workflow: str
    action: str = ""
    path: str = ""  # place in the document


@dataclass(frozen=True, slots=True)
class Job:
    """One entry of `workflows.scheduler.jobs`: what `scheduler:job` starts, by the clock or at once."""

    name: str
    scheduler: str
    job: str
    timetable: Timetable
    start: Callable[[Any], NewRun]  # from a caller's data; None means the job's own `config`

    def shown(self, now: datetime) -> dict[str, Any]:
        """Return the job as JSON."""
        return {
            "job": self.job,
            "scheduler": self.scheduler,
            "schedule": self.timetable.text,
            "nextRun": self.timetable.after(now).isoformat(),
        }


class Jobs:
    """The jobs of the section, in file order; filled while the document is compiled."""

    def __init__(self) -> None:
        self.all: list[Job] = []
        self._by_action: dict[str, Job] = {}

    def add(self, job: Job) -> None:
        """Add a job; an earlier one keeps the names that both have."""
        self.all.append(job)
        self._by_action.setdefault(job.job, job)
        self._by_action.setdefault(f"{job.scheduler}:{job.job}", job)

    def find(self, action: str) -> Job | None:
        """Return what `job` or `scheduler:job` means."""
        return self._by_action.get(action)

    @property
    def starts(self) -> dict[str, Callable[[str, Any], NewRun]]:
        """What each of these names starts, for the resolver of names."""
        return {name: partial(_start, job) for name, job in self._by_action.items()}


def _start(job: Job, action: str, data: Any) -> NewRun:
    return job.start(data)


def due_time(timetable: Timetable, stored: datetime, now: datetime) -> datetime:
    """Return the time that a run at `now` is for: the last one; it makes up for all that were missed since `stored`."""
    return max(stored, timetable.latest(now))


def told_apart(name: str, taken: set[str]) -> str:
    """Return `name`, numbered when an earlier one has it, and take it."""
    found, number = name, 2
    while found in taken:
        found, number = f"{name} #{number}", number + 1
    taken.add(found)
    return found
