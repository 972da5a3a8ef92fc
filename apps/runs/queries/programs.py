"""The steps of published programs, for showing what a run did: compiled once, kept in the process."""

from functools import lru_cache
from typing import Any
from uuid import UUID

from apps.core.errors import NotFound
from apps.core.scope import SYSTEM, current_tenant, scope
from apps.engine.application import Application, Route
from apps.engine.findings import SecretsRefused
from apps.engine.run.inputs import read_inputs
from apps.engine.run.program import Program, Trace, read_trace
from apps.runs.rules.journal import HANDLER_LINE
from apps.workflows.queries.compiling import compiled, compiled_in, values_of
from apps.workflows.queries.live import version_by_id
from apps.workflows.queries.versions import version_text

ROUTE = "route:"
MOST_TEXTS = 64


def program_of(*, workflow_id: UUID, version: int, environment_id: UUID, entry: str) -> Program | None:
    """Return the program that a run of `entry` ran, None when it ran none (a module answered) or it is unreadable."""
    application = application_of(workflow_id=workflow_id, version=version, environment_id=environment_id)
    if application is None:
        return None
    if not entry.startswith(ROUTE):
        return application.program(entry)
    route = _route(application, entry)
    return None if route is None else route.program


def trace_read(
    *, place: tuple[UUID, UUID], version: int, entry: str, trace: list[Any], data: Any, run_id: UUID
) -> list[dict[str, Any]]:
    """Expand the stored trace of a request to the lines of a run page; `data` is its input, None when unknown.

    `place` is the environment and the workflow that it ran in.
    """
    application = application_of(workflow_id=place[1], version=version, environment_id=place[0])
    route = None if application is None else _route(application, entry)
    program = None if route is None else route.program
    known = 0 if program is None else len(program.steps)
    of_program: Trace = [tuple(line) for line in trace if 0 <= line[0] < known]
    others = [_bare_line(line, trace[0][1], route, len(of_program)) for line in trace if not 0 <= line[0] < known]
    if program is None:
        return others
    inputs = [None] * len(of_program) if data is None else read_inputs(program, of_program, data, str(run_id))
    lines = zip(read_trace(program, of_program), inputs, strict=True)
    return [*({**line, "input": given} for line, given in lines), *others]


def _route(application: Application, entry: str) -> Route | None:
    method, _, pattern = entry.removeprefix(ROUTE).partition(" ")
    for route in application.routes.routes:
        if (route.method, route.pattern) == (method, pattern):
            return route
    return None


def _bare_line(line: list[Any], origin: int, route: Route | None, place: int) -> dict[str, Any]:
    """Return a line that is no step of a program: what a module did that answered by itself, or of a lost version."""
    index, started, ended, output, error, logs = line
    handler = "" if route is None else route.handler
    is_handler = index == HANDLER_LINE
    return {
        "index": place if is_handler else index,
        "name": (handler or "handler") if is_handler else f"step-{index}",
        "kind": "handler",
        "path": route.path if is_handler and route is not None else "",
        "module": handler if is_handler else "",
        "state": "failed" if error else "done",
        "attempt": 1,
        "started_us": max(started - origin, 0) // 1000,
        "duration_us": (ended - started) // 1000,
        "input": None,
        "output": output,
        "error": error,
        "logs": logs or [],
    }


def application_of(*, workflow_id: UUID, version: int, environment_id: UUID) -> Application | None:
    """Return the compiled form of a published version in an environment.

    None when there is none that this build, with the secrets of the environment, understands.
    """
    try:
        return compiled_in(_text(current_tenant(), workflow_id, version), environment_id)
    except NotFound:
        return None


def application_of_version(*, tenant_id: UUID, version_id: UUID, environment_id: UUID) -> Application | None:
    """As `application_of`, from a thread that holds no scope; none is open while it is compiled."""
    version = version_by_id(tenant_id=tenant_id, version_id=version_id)
    if version is None:
        return None
    found = compiled(version.document)
    if isinstance(found, SecretsRefused):
        with scope(tenant_id, SYSTEM, read_only=True):
            values = values_of(environment_id, found)
        found = compiled(version.document, values)
    return found if isinstance(found, Application) else None


@lru_cache(maxsize=MOST_TEXTS)
def _text(tenant_id: UUID, workflow_id: UUID, version: int) -> str:
    """Return the text of a version of the scope's tenant; what is published never changes."""
    return version_text(workflow_id=workflow_id, number=version)
