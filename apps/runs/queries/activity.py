"""What has been going on in an environment: counts by hour, for the home page."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from apps.core.clock import now
from apps.core.scope import current_tenant
from apps.runs.models import Run

HOURS = 24
KEPT_SECONDS = 2.0
KEPT_MOST = 1000

BY_HOUR = """
select date_trunc('hour', started_at) as hour, count(*), count(*) filter (where state = 'failed'),
       percentile_disc(0.95) within group (order by duration_us)
from runs_run where environment_id = %s and id >= %s group by 1 order by 1
"""


@dataclass(frozen=True, slots=True)
class Activity:
    """The last hours of an environment, oldest first, and what is open now."""

    since: datetime
    runs_by_hour: tuple[int, ...]
    failed_by_hour: tuple[int, ...]
    slow_by_hour_us: tuple[int, ...]  # the 95th percentile of each hour
    running: int
    waiting: int

    @property
    def runs(self) -> int:
        """Return how many runs there were."""
        return sum(self.runs_by_hour)

    @property
    def failed(self) -> int:
        """Return how many of them failed."""
        return sum(self.failed_by_hour)

    @property
    def failed_this_hour(self) -> int:
        """Return how many failed since the hour began."""
        return self.failed_by_hour[-1]

    @property
    def slow_us(self) -> int | None:
        """Return the 95th percentile of the newest hour that had runs."""
        return next((value for value in reversed(self.slow_by_hour_us) if value), None)


_kept: dict[tuple[UUID, UUID], tuple[float, Activity]] = {}


def run_activity(*, environment_id: UUID) -> Activity:
    """Return the last day of an environment; answers are kept for a moment, because many may watch the same page."""
    key = (current_tenant(), environment_id)
    kept = _kept.get(key)
    if kept is not None and kept[0] > time.monotonic():
        return kept[1]
    found = _read(environment_id)
    if len(_kept) >= KEPT_MOST:
        _kept.clear()
    _kept[key] = (time.monotonic() + KEPT_SECONDS, found)
    return found


def _read(environment_id: UUID) -> Activity:
    this_hour = now().replace(minute=0, second=0, microsecond=0)
    since = this_hour - timedelta(hours=HOURS - 1)
    first_id = UUID(int=int(since.timestamp() * 1000) << 80)
    with connection.cursor() as cursor:
        cursor.execute(BY_HOUR, [environment_id, first_id])
        rows = {row[0]: row[1:] for row in cursor.fetchall()}
    hours = [rows.get(since + timedelta(hours=index), (0, 0, 0)) for index in range(HOURS)]
    states = Run.objects.filter(environment_id=environment_id, state__in=("running", "waiting"))
    open_now = list(states.values_list("state", flat=True))
    return Activity(
        since=since,
        runs_by_hour=tuple(hour[0] for hour in hours),
        failed_by_hour=tuple(hour[1] for hour in hours),
        slow_by_hour_us=tuple(hour[2] or 0 for hour in hours),
        running=open_now.count("running"),
        waiting=open_now.count("waiting"),
    )
