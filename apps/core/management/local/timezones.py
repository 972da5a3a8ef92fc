"""Every time zone, loaded: the tables of beat's timetable read all of them in each process that has these tables."""

from zoneinfo import ZoneInfo, available_timezones

KEPT = [ZoneInfo(name) for name in sorted(available_timezones())]  # Python finds one again only while somebody has it
