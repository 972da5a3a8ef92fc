"""What a deployment leaves of schedules: rows, one for each job that its document does by the clock (data.md 9).

`operations/firing.py` fires them.
"""

from collections.abc import Iterable

from apps.core.clock import now
from apps.core.scope import current_tenant
from apps.engine.ids import uuid7
from apps.engine.schedules import Schedule
from apps.runs.adapters import control
from apps.runs.adapters.rows import clean
from apps.workflows.queries.deployments import DeploymentView


def schedules_rewrite(deployment: DeploymentView, schedules: Iterable[Schedule]) -> None:
    """Leave exactly these schedules; one whose name and timetable stay keeps its next time, due or not."""
    place = (deployment.environment_id, deployment.workflow_id)
    wanted = {clean(schedule.name): schedule for schedule in schedules}
    control.rows(control.SQL.schedules_kept, place)
    control.execute(control.SQL.schedules_drop, (*place, list(wanted)))
    moment = now()
    for name, schedule in wanted.items():
        version = (deployment.version_id, deployment.version)
        what = (name, schedule.timetable.text, clean(schedule.workflow), clean(schedule.action))
        values = (uuid7(), current_tenant(), *place, *version, *what, schedule.timetable.after(moment))
        control.execute(control.SQL.schedule_put, values)
