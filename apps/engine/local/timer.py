"""Starts what is due by the host's clock; when each schedule is due next is a row, so that a file survives restarts.

The rule is the hosted product's (`apps/runs`): one run for a time, one for all times that were missed together.
"""

import traceback
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from apps.engine.application import Application
from apps.engine.ids import uuid7
from apps.engine.local.queue import RunQueue
from apps.engine.local.store import Store, read_time, write_time
from apps.engine.schedules import Schedule, due_time

_KEEP = """insert into schedule (scope, name, timetable, next_at) values (?, ?, ?, ?)
    on conflict (scope, name) do update set timetable = excluded.timetable, next_at = excluded.next_at
    where timetable <> excluded.timetable"""
_DUE = "select scope, name, next_at from schedule where next_at <= ? order by next_at, name"
_FIRED = "update schedule set next_at = ?, last_at = ? where scope = ? and name = ?"


class LocalTimer:
    """The schedules of every scope that serves something."""

    def __init__(
        self,
        store: Store,
        queue: RunQueue,
        now: Callable[[], datetime],
        report_bug: Callable[[UUID, str], None],
    ) -> None:
        self._store, self._queue, self._now, self._report_bug = store, queue, now, report_bug
        self._schedules: dict[str, dict[str, Schedule]] = {}

    def follow(self, scope: str, application: Application) -> None:
        """Take over an application's schedules; those that did not change keep their next time."""
        schedules = {schedule.name: schedule for schedule in application.schedules}
        now = self._now()
        with self._store.transaction():
            for row in self._store.rows("select name from schedule where scope = ?", (scope,)):
                if row["name"] not in schedules:
                    self._store.run("delete from schedule where scope = ? and name = ?", (scope, row["name"]))
            for name, schedule in schedules.items():
                following = write_time(schedule.timetable.after(now))
                self._store.run(_KEEP, (scope, name, schedule.timetable.text, following))
        self._schedules[scope] = schedules

    def next_time(self) -> datetime | None:
        """Return when the next schedule is due."""
        row = self._store.row("select min(next_at) as at from schedule")
        return None if row is None else read_time(row["at"])

    def fire(self) -> int:
        """Accept a run for every schedule that is due; return how many."""
        now = self._now()
        fired = 0
        for row in self._store.rows(_DUE, (write_time(now),)):
            schedule = self._schedules.get(row["scope"], {}).get(row["name"])
            stored = read_time(row["next_at"])
            if schedule is not None and stored is not None:
                self._fire(row["scope"], schedule, due_time(schedule.timetable, stored, now), now)
                fired += 1
        return fired

    def _fire(self, scope: str, schedule: Schedule, due: datetime, now: datetime) -> None:
        run_id = uuid7()
        with self._store.transaction():
            following = write_time(schedule.timetable.after(now))
            self._store.run(_FIRED, (following, write_time(due), scope, schedule.name))
            try:
                run = schedule.fire(due)
            except Exception:
                self._report_bug(run_id, traceback.format_exc())
            else:
                self._queue.accept(scope, run_id, run)

    def shown(self, scope: str) -> list[dict[str, str | None]]:
        """Return a scope's schedules as JSON, the next one first."""
        rows = self._store.rows("select * from schedule where scope = ? order by next_at, name", (scope,))
        return [{key: row[key] for key in ("name", "timetable", "next_at", "last_at")} for row in rows]
