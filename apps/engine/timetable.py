"""When something is due: five cron fields in a time zone, or every so often, both aligned to the clock.

A cron expression means what Debian's cron means by it, read by `cronsim`: names of months and days, ranges, steps,
lists, `L`, `LW` and `#`. Where clocks go forward, what falls into the gap is due right behind it; where they go back,
a fixed time is due once and `*` goes on by the hour as it passes (spec/modules.md 4.4, 5).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

EVERY_MINUTE = "* * * * *"
LONGEST_EXPRESSION = 250
SHORTEST_INTERVAL_SECONDS = 60
LONGEST_INTERVAL_SECONDS = 366 * 86_400
FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
DAYS_OF_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
FEBRUARY = 2
WEEK = frozenset(range(7))  # Sunday is 0
WORKDAYS = frozenset(range(1, 6))
FRIDAY = frozenset({5})
Parsed = frozenset[Any]  # numbers, and for weekdays pairs (weekday, nth or the last of the month)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAME = r"(?:[0-9]{1,2}|[A-Z]{3})"
_ITEM = rf"(?:\*|{_NAME}(?:-{_NAME})?)(?:/[0-9]{{1,2}})?"
_FIELD = re.compile(rf"{_ITEM}(?:,{_ITEM})*")
_DAY = re.compile(rf"(?:{_ITEM}|LW?)(?:,(?:{_ITEM}|LW?))*")
_WEEKDAY = re.compile(rf"(?:{_ITEM}|[0-7]L|{_NAME}#[1-5])(?:,(?:{_ITEM}|[0-7]L|{_NAME}#[1-5]))*")
_SHAPES = (_FIELD, _FIELD, _DAY, _FIELD, _WEEKDAY)
_ZONE = re.compile(r"[A-Za-z0-9_+\-]+(?:/[A-Za-z0-9_+\-]+)*")


class BadTimetable(Exception):
    """The expression or the time zone means nothing, or never comes true; the message is a sentence."""


class Timetable(Protocol):
    """When something is due."""

    @property
    def text(self) -> str:
        """How it is written: equal texts are due at equal times."""

    def after(self, moment: datetime) -> datetime:
        """Return the first time later than `moment`, UTC."""

    def latest(self, moment: datetime) -> datetime:
        """Return the last time not later than `moment`, UTC."""


@dataclass(frozen=True, slots=True)
class Cron:
    """Five fields in a time zone; made by `cron`."""

    expression: str
    timezone: str

    @property
    def text(self) -> str:
        """The fields, and the time zone where it is not UTC."""
        return self.expression if self.timezone == "UTC" else f"{self.expression} {self.timezone}"

    def after(self, moment: datetime) -> datetime:
        """Return the first time later than `moment`, UTC."""
        return self._search(moment, moment, reverse=False)

    def latest(self, moment: datetime) -> datetime:
        """Return the last time not later than `moment`, UTC."""
        return self._search(moment, moment + timedelta(seconds=1), reverse=True)

    def _search(self, moment: datetime, start: datetime, *, reverse: bool) -> datetime:
        """Return the first time found that is on the right side: where clocks go back, wall time is no order."""
        for found in CronSim(self.expression, start.astimezone(_zone(self.timezone)), reverse=reverse):
            due = found.astimezone(UTC)
            if (due <= moment) if reverse else (due > moment):
                return due
        raise BadTimetable(f"{self.expression!r} never comes.")


@dataclass(frozen=True, slots=True)
class Every:
    """Every `seconds`, counted from 1970, so that it does not depend on when anything was started."""

    seconds: int

    @property
    def text(self) -> str:
        """Such as `@every 300s`."""
        return f"@every {self.seconds}s"

    def after(self, moment: datetime) -> datetime:
        """Return the first time later than `moment`, UTC."""
        return self.latest(moment) + timedelta(seconds=self.seconds)

    def latest(self, moment: datetime) -> datetime:
        """Return the last time not later than `moment`, UTC."""
        step = timedelta(seconds=self.seconds)
        return _EPOCH + (moment - _EPOCH) // step * step


@lru_cache(maxsize=4096)
def cron(expression: str, timezone: str = "UTC") -> Cron:
    """Return five fields as a timetable; raise `BadTimetable`, also for one that never comes (`0 0 31 2 *`)."""
    if len(expression) > LONGEST_EXPRESSION:
        raise BadTimetable(f"A cron expression may have at most {LONGEST_EXPRESSION} characters.")
    parts = expression.upper().split()
    if len(parts) != len(FIELDS):
        raise BadTimetable(f"A cron expression has five fields ({', '.join(FIELDS)}), and this has {len(parts)}.")
    _zone(timezone)
    for index, part in enumerate(parts):
        if not _SHAPES[index].fullmatch(part) or not _is_sound(index, part):
            raise BadTimetable(f"{part!r} is no {FIELDS[index]} of a cron expression.")
    if not _comes(parts):
        raise BadTimetable(f"{expression!r} never comes: there is no such day.")
    return Cron(" ".join(parts), timezone)


def every(seconds: float) -> Every:
    """Return an interval as a timetable; raise `BadTimetable`."""
    if not SHORTEST_INTERVAL_SECONDS <= seconds <= LONGEST_INTERVAL_SECONDS or seconds != int(seconds):
        raise BadTimetable("An interval is a whole number of seconds, from one minute to a year.")
    return Every(int(seconds))


def read(text: str, timezone: str = "UTC") -> Timetable:
    """Return what `Timetable.text` was written from; raise `BadTimetable`."""
    if text.startswith("@every "):
        return every(float(text.removeprefix("@every ").removesuffix("s")))
    fields, zone = text.split()[: len(FIELDS)], text.split()[len(FIELDS) :]
    return cron(" ".join(fields), zone[0] if zone else timezone)


def _is_sound(index: int, part: str) -> bool:
    """Whether one field is good by itself, the others being stars."""
    fields = ["*"] * len(FIELDS)
    fields[index] = part
    try:
        CronSim(" ".join(fields), _EPOCH)
    except CronSimError:
        return False
    return True


def _comes(parts: list[str]) -> bool:
    """Whether there is a day for it in some year: told by the calendar, since a search may take decades."""
    try:
        sim = CronSim(" ".join(parts), _EPOCH)
    except CronSimError:  # of sound fields: no month has that many days
        return False
    return _has_day(frozenset(sim.days), frozenset(sim.months), frozenset(sim.weekdays), sim.day_and)


@lru_cache(maxsize=4096)
def _has_day(days: Parsed, months: Parsed, weekdays: Parsed, both: bool) -> bool:
    for last in _lengths(months):
        for day in range(1, last + 1):
            by_day, by_weekday = _by_day(days, day, last), _by_weekday(weekdays, day, last)
            if (by_day & by_weekday) if both else (by_day | by_weekday):
                return True
    return False


def _lengths(months: Parsed) -> Iterator[int]:
    """Give the number of days of each month, of February both."""
    for month in sorted(months):
        yield DAYS_OF_MONTHS[month - 1]
        if month == FEBRUARY:
            yield DAYS_OF_MONTHS[month - 1] - 1


def _by_day(days: Parsed, day: int, last: int) -> frozenset[int]:
    """Return the weekdays on which the day-of-month field takes a day in."""
    if day in days or (CronSim.LAST in days and day == last):
        return WEEK
    if CronSim.LAST_WEEKDAY in days and day > last - 3:
        return WORKDAYS if day == last else FRIDAY
    return frozenset()


def _by_weekday(weekdays: Parsed, day: int, last: int) -> frozenset[int]:
    """Return the weekdays on which the day-of-week field takes a day in."""
    nth = {(day + 6) // 7} | ({CronSim.LAST} if day + 7 > last else set())
    return frozenset(
        each % 7 if isinstance(each, int) else each[0] % 7
        for each in weekdays
        if isinstance(each, int) or each[1] in nth
    )


@lru_cache(maxsize=512)
def _zone(name: str) -> tzinfo:
    """Return a time zone by its IANA name; raise `BadTimetable`."""
    if name == "UTC":
        return UTC
    try:
        if len(name) <= 64 and _ZONE.fullmatch(name):
            return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # not found, a folder of the database, or no zone at all
        pass
    raise BadTimetable(f"There is no time zone {name[:64]!r}; write one such as Europe/Berlin.")
