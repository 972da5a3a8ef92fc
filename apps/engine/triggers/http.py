"""The `http` trigger: a route that accepts a run and answers 202 with its id."""

from typing import Any

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
        body = body_of(request)
        sent = body if isinstance(body, dict) else ({} if body is None else {"body": body})
        data = {**request.query, **sent, **request.params, **params}
        run = context.unit.runs.start(resolver.resolve(workflow, action, data))
        response = Response.json({"status": "workflow triggered", "runId": str(run)}, 202)
        response.headers.append((b"weft-run", str(run).encode()))
        return response

    return handle
