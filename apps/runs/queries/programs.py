"""The steps of published programs, for showing what a run did: compiled once per text, kept in the process."""

from functools import lru_cache
from typing import Any
from uuid import UUID

from apps.core.errors import NotFound
from apps.engine.application import Application
from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.findings import DocumentRefused
from apps.engine.run.program import Program, read_trace
from apps.modules.queries import registry
from apps.workflows.queries.versions import version_text


def program_of(*, workflow_id: UUID, version: int, entry: str) -> Program | None:
    """Return the program that a run of `entry` ran, None when it ran none (a module answered) or it is unreadable."""
    application = application_of(workflow_id=workflow_id, version=version)
    if application is None:
        return None
    if not entry.startswith("route:"):
        return application.program(entry)
    method, _, pattern = entry.removeprefix("route:").partition(" ")
    for route in application.routes.routes:
        if (route.method, route.pattern) == (method, pattern):
            return route.program
    return None


def trace_read(program: Program | None, trace: list[Any]) -> list[dict[str, Any]]:
    """Expand a stored trace to the lines of a run page."""
    if program is not None and all(entry[0] < len(program.steps) for entry in trace):
        return read_trace(program, [tuple(entry) for entry in trace])
    return [_bare_line(entry, trace[0][1]) for entry in trace]


def _bare_line(entry: list[Any], origin: int) -> dict[str, Any]:
    index, started, ended, output, error, logs = entry
    return {
        "index": index,
        "name": f"step-{index}" if index or logs is None else "handler",
        "kind": "handler",
        "path": "",
        "module": "",
        "state": "failed" if error else "done",
        "attempt": 1,
        "started_us": (started - origin) // 1000,
        "duration_us": (ended - started) // 1000,
        "output": output,
        "error": error,
        "logs": logs or [],
    }


@lru_cache(maxsize=256)
def _compiled(text: str) -> Application | None:
    loaded = load(text)
    if loaded.document is None:
        return None
    try:
        return compile_document(loaded.document, registry())
    except DocumentRefused:
        return None


def application_of(*, workflow_id: UUID, version: int) -> Application | None:
    """Return the compiled form of a published version, None when there is none that this build understands."""
    try:
        return _compiled(version_text(workflow_id=workflow_id, number=version))
    except NotFound:
        return None
