"""`POST .../{name}/execute` of a resource `integrations`: it starts the section (spec/modules.md 4.6 [T] 1)."""

from typing import Any

from apps.engine.http import Request, Response
from apps.engine.module import Context
from apps.engine.outcome import StepFailed
from apps.engine.routes import segments
from apps.engine.run.program import Trace
from apps.engine.sections.chain import Handle
from apps.engine.sections.workspace import Workspace
from apps.engine.trigger import Resolver
from apps.engine.triggers.http import accepted, data_of

SECTION = "integration"
RESOURCE = "integrations"
LAST = "execute"


def execute_handle(workspace: Workspace, resolver: Resolver, written: dict[str, Any]) -> Handle | None:
    """Return what a route of the `http` section does when it executes integrations; None when it does not.

    The name in the path is the section's, its registry's or its `name`, which run every step, or one step's, which
    runs that one. Anything else is not there: 404.
    """
    section = workspace.section(SECTION)
    parts = segments(str(written["path"]))
    if not section or str(written["method"]).upper() != "POST" or len(parts) < 2 or parts[-1] != LAST:
        return None
    module = workspace.module(str(written["handler"]))
    parameter = parts[-2]
    if not parameter.startswith("{") or getattr(getattr(module, "config", None), "resource_name", "") != RESOURCE:
        return None
    steps = {str(step["name"]) for step in section.get("steps") or []}
    whole = {SECTION, *(str(section[key]) for key in ("registry", "name") if section.get(key))}
    key = parameter.strip("{}")

    def handle(request: Request, context: Context, trace: Trace) -> Response:
        name = request.params[key]
        if name not in whole and name not in steps:
            raise StepFailed(f"There is no integration {name!r}.", code="integration.unknown", status=404)
        data = data_of(request)
        workflow, action = (name, LAST) if name in whole else (SECTION, name)
        return accepted(context.unit.runs.start(resolver.resolve(workflow, action, data)))

    return handle
