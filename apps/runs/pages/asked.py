"""What the address of a list asks for."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.http import HttpRequest

from apps.core.clock import now
from apps.core.errors import NotFound
from apps.runs.queries.runs import RunFilter
from apps.workflows.queries.workflows import workflow_by_slug

STATES = ("running", "waiting", "done", "failed", "cancelled")
SOURCES = ("http", "api", "manual", "message", "hook", "auto", "trigger", "event", "schedule", "link")
WINDOWS = {"1h": timedelta(hours=1), "24h": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}


@dataclass(frozen=True, slots=True)
class AskedRuns:
    """The filters of the list of runs as they were written, for showing them again."""

    state: str
    workflow: str
    environment: str
    source: str
    window: str
    correlation: str

    @property
    def is_narrowed(self) -> bool:
        """Say whether any filter is set."""
        return any((self.state, self.workflow, self.source, self.window, self.correlation))


def asked_runs(request: HttpRequest, environment: str) -> tuple[AskedRuns, RunFilter]:
    """Read the filters; values that are none of ours are left out."""
    asked = AskedRuns(
        state=_one_of(request, "state", STATES),
        workflow=request.GET.get("workflow", ""),
        environment=environment,
        source=_one_of(request, "source", SOURCES),
        window=_one_of(request, "time", tuple(WINDOWS)),
        correlation=request.GET.get("correlation", "").strip(),
    )
    wanted = RunFilter(
        workflow_id=workflow_by_slug(slug=asked.workflow).id if asked.workflow else None,
        environment=environment or None,
        states=(asked.state,) if asked.state else (),
        source=asked.source or None,
        correlation=asked.correlation or None,
        since=_since(asked.window),
    )
    return asked, wanted


def after(request: HttpRequest) -> UUID | None:
    """Read the id behind which the page begins; raise `NotFound` for what is none."""
    try:
        return UUID(request.GET["after"]) if request.GET.get("after") else None
    except ValueError:
        raise NotFound from None


def _since(window: str) -> datetime | None:
    return now() - WINDOWS[window] if window else None


def _one_of(request: HttpRequest, name: str, known: tuple[str, ...]) -> str:
    value = request.GET.get(name, "")
    return value if value in known else ""
