"""The home page: is it healthy, what waits, what failed, what to do next."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse

from apps.core.clock import now
from apps.core.pages.places import environment_of
from apps.core.pages.views import PageView, page
from apps.runs.policy import READ
from apps.runs.queries.activity import Activity, run_activity
from apps.runs.queries.messages import dead_letter_list
from apps.runs.queries.runs import RunFilter, run_list
from apps.tenants.queries import EnvironmentView, environment_list
from apps.workflows.queries.deployments import DeploymentView, deployment_list
from apps.workflows.queries.workflows import workflow_list, workflow_names

SHOWN = 6
SHOWN_LIVE = 12
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to "is it healthy", with what to do about it."""

    tone: str
    icon: str
    words: str
    next: str = ""


class Home(PageView):
    """The first page of a tenant, about one environment."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ}

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show how the environment does."""
        environment = environment_of(request, environment_list())
        context = {} if environment is None else _facts(environment)
        return page(request, "runs/home.html", context)


def _facts(environment: EnvironmentView) -> dict[str, Any]:
    activity = run_activity(environment_id=environment.id)
    live = deployment_list(environment=environment.name, live_only=True, limit=SHOWN_LIVE).items
    dead = dead_letter_list(limit=SHOWN).items
    names = workflow_names(workflow_ids=[one.workflow_id for one in live])
    return {
        "activity": activity,
        "verdict": _verdict(environment.name, activity, live, len(dead)),
        "failed": _newest(environment, "failed"),
        "waiting": _newest(environment, "waiting"),
        "dead": dead,
        "live": [{"deployment": one, "name": names[one.workflow_id][1]} for one in live],
    }


def _newest(environment: EnvironmentView, state: str) -> list[dict[str, Any]]:
    since = now() - DAY if state == "failed" else None
    wanted = RunFilter(environment=environment.name, states=(state,), since=since)
    return run_list(wanted=wanted, limit=SHOWN).items


def _verdict(environment: str, activity: Activity, live: list[DeploymentView], dead: int) -> Verdict:
    if not live:
        next_step = "publish" if workflow_list(limit=1).items else "create"
        return Verdict("ready", "state-ready", f"Nothing is live in {environment} yet", next_step)
    if activity.failed_this_hour:
        count = activity.failed_this_hour
        return Verdict("failed", "state-failed", f"{count} run{'s' * (count != 1)} failed in {environment} this hour")
    if dead:
        return Verdict("waiting", "warning", "Messages could not be delivered")
    if activity.failed:
        return Verdict("done", "state-done", f"{environment} is healthy; nothing has failed this hour")
    return Verdict("done", "state-done", f"{environment} is healthy")
