"""How schedulers are told the time: cron fields, time zones and intervals as types of config fields."""

from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from apps.engine.config_types import Seconds
from apps.engine.timetable import BadTimetable, cron, every


def _refused(bad: BadTimetable) -> PydanticCustomError:
    return PydanticCustomError("timetable", "{why}", {"why": str(bad).rstrip(".")})


def _cron(value: str) -> str:
    try:
        cron(value)
    except BadTimetable as bad:
        raise _refused(bad) from None
    return value


def _zone(value: str) -> str:
    try:
        cron("* * * * *", value)
    except BadTimetable as bad:
        raise _refused(bad) from None
    return value


def _interval(value: float) -> float:
    try:
        every(value)
    except BadTimetable as bad:
        raise _refused(bad) from None
    return value


CronText = Annotated[str, AfterValidator(_cron)]
ZoneName = Annotated[str, AfterValidator(_zone)]
Interval = Annotated[Seconds, AfterValidator(_interval)]
