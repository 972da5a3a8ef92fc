"""The `http` trigger: a route that accepts a run and answers 202 with its id."""

from typing import Any
from uuid import UUID

from apps.engine.http import Request, Response
from apps.engine.module import Context
from apps.engine.run.program import Trace
from apps.engine.sections.answers import body_of
from apps.engine.sections.chain import Handle
from apps.engine.trigger import Resolver


def trigger_handle(resolver: Resolver, written: dict[str, Any]) -> Handle:
    """Return the handler of one trigger route.

    The run's data are query, body, path parameters and the trigger's own `params`, later ones winning; a body that is
    not an object is `body`. A workflow that does not exist answers 404.
    """
    workflow, action = str(written["workflow"]), str(written["action"])
    params = dict(written.get("params") or {})

    def handle(request: Request, context: Context, trace: Trace) -> Response:
        data = {**data_of(request), **params}
        return accepted(context.unit.runs.start(resolver.resolve(workflow, action, data)))

    return handle


def data_of(request: Request) -> dict[str, Any]:
    """Return what a request brings along: query, body and path parameters, later ones winning."""
    body = body_of(request)
    sent = body if isinstance(body, dict) else ({} if body is None else {"body": body})
    return {**request.query, **sent, **request.params}


def accepted(run: UUID) -> Response:
    """Answer that a run was accepted: 202 with its id."""
    response = Response.json({"status": "workflow triggered", "runId": str(run)}, 202)
    response.headers.append((b"weft-run", str(run).encode()))
    return response
