"""When something is due: cron fields in time zones, intervals, and what never comes."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise, product

import pytest
from cronsim import CronSim, CronSimError

from apps.engine.timetable import BadTimetable, cron, every, read

pytestmark = pytest.mark.spec("scheduler.cron")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "moment", "due"),
    [
        ("* * * * *", "2026-01-01T00:00:00", "2026-01-01T00:01:00"),
        ("* * * * *", "2026-01-01T00:00:59.9", "2026-01-01T00:01:00"),
        ("0 * * * *", "2026-01-01T00:59:59", "2026-01-01T01:00:00"),
        ("*/20 8-9 * * mon-fri", "2026-01-02T09:40:00", "2026-01-05T08:00:00"),
        ("0 0 29 2 *", "2026-01-01T00:00:00", "2028-02-29T00:00:00"),
        ("0 0 13 * 5", "2026-01-01T00:00:00", "2026-01-02T00:00:00"),
        ("0 0 * * 7", "2026-01-01T00:00:00", "2026-01-04T00:00:00"),
        ("0 0 L * *", "2026-02-01T00:00:00", "2026-02-28T00:00:00"),
        ("0 0 * * 1#2", "2026-01-01T00:00:00", "2026-01-12T00:00:00"),
        ("5,35 0 1 JAN,JUL *", "2026-01-01T00:05:00", "2026-01-01T00:35:00"),
    ],
)
def test_the_next_time_is_later_and_aligned_to_the_clock(expression, moment, due):
    assert cron(expression).after(at(moment)) == at(due)


def test_the_latest_time_may_be_now():
    hourly = cron("0 * * * *")
    assert hourly.latest(at("2026-01-01T05:00:00")) == at("2026-01-01T05:00:00")
    assert hourly.latest(at("2026-01-01T05:00:00.5")) == at("2026-01-01T05:00:00")
    assert hourly.latest(at("2026-01-01T04:59:59")) == at("2026-01-01T04:00:00")


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "five fields"),
        ("* * * *", "five fields"),
        ("* * * * * *", "five fields"),
        ("@daily", "five fields"),
        ("60 * * * *", "'60' is no minute"),
        ("* 24 * * *", "'24' is no hour"),
        ("* * 0 * *", "'0' is no day of the month"),
        ("* * * FOO *", "'FOO' is no month"),
        ("* * * * 8", "'8' is no day of the week"),
        ("*/0 * * * *", "'*/0' is no minute"),
        ("5-1 * * * *", "'5-1' is no minute"),
        ("1L * * * *", "'1L' is no minute"),
        ("L/2 * * * *", "'L/2' is no minute"),
        ("* * L/2 * *", "'L/2' is no day of the month"),
        ("* * * * 1#9", "'1#9' is no day of the week"),
        ("1/2/3 * * * *", "'1/2/3' is no minute"),
        ("*" * 300, "at most 250 characters"),
        ("0 0 31 2 *", "never comes"),
        ("0 0 30 feb *", "never comes"),
        ("0 0 31 4,6,9,11 *", "never comes"),
        ("0 0 LW * */6", "never comes"),
        ("0 0 */20 * 1#5", "never comes"),
    ],
)
def test_what_means_nothing_or_never_comes_is_said(expression, said):
    with pytest.raises(BadTimetable, match=said.replace("*", r"\*")):
        cron(expression)


def test_what_the_calendar_says_of_a_day_is_what_a_search_finds():
    days = ("*", "*/20", "*/30", "29", "30", "31", "L", "LW", "30,31")
    months = ("*", "2", "2,4", "4,6,9,11")
    weekdays = ("*", "*/6", "1#5", "5L", "*/3", "6#5,0#5")
    for day, month, weekday in product(days, months, weekdays):
        expression = f"0 0 {day} {month} {weekday}"
        assert comes(expression) is search_finds(expression), expression


def comes(expression):
    try:
        cron(expression)
    except BadTimetable:
        return False
    return True


def search_finds(expression):
    try:
        return next(CronSim(expression, at("2026-01-01T00:00:00")), None) is not None
    except CronSimError:
        return False


def test_a_time_in_the_gap_of_the_spring_is_due_behind_it_and_one_of_the_autumn_is_due_once():
    half_past_two = cron("30 2 * * *", "Europe/Berlin")
    assert half_past_two.after(at("2026-03-28T12:00:00")) == at("2026-03-29T01:00:00")
    first = half_past_two.after(at("2026-10-24T12:00:00"))
    assert first == at("2026-10-25T00:30:00")
    assert half_past_two.after(first) == at("2026-10-26T01:30:00")
    assert half_past_two.after(at("2026-10-25T01:10:00")) == at("2026-10-26T01:30:00")  # in the hour that comes twice


def test_every_quarter_of_an_hour_goes_on_through_the_hour_that_comes_twice():
    quarters = cron("*/15 * * * *", "Europe/Berlin")
    moment, found = at("2026-10-24T23:50:00"), []
    for _ in range(12):
        moment = quarters.after(moment)
        found.append(moment)
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(minutes=15)}


@pytest.mark.parametrize("zone", ["", "Berlin", "Europe", "Europe/Atlantis", "../etc/passwd", "a" * 100, "tzdata.zi"])
def test_a_time_zone_has_an_iana_name(zone):
    with pytest.raises(BadTimetable, match="time zone"):
        cron("* * * * *", zone)


@pytest.mark.spec("scheduler.modular")
def test_an_interval_is_counted_from_1970():
    five = every(300)
    assert five.after(at("2026-01-01T00:03:00")) == at("2026-01-01T00:05:00")
    assert five.after(at("2026-01-01T00:05:00")) == at("2026-01-01T00:10:00")
    assert five.latest(at("2026-01-01T00:09:59")) == at("2026-01-01T00:05:00")
    for seconds in (59, 60.5, 0, -60, 400 * 86_400, float("inf")):
        with pytest.raises(BadTimetable):
            every(seconds)


def test_a_timetable_is_read_from_what_it_is_written_as():
    for made in (cron("*/5 * * * mon"), cron("0 3 * * *", "Asia/Tokyo"), every(90)):
        assert read(made.text) == made
