"""Webhook connectors as routes: events that others post, as JSON or a form, handed on by their `type`.

Spec/modules.md 4.6; some who post know forms only (register D16).
"""

from collections.abc import Callable, Sequence
from typing import Any

from apps.engine.application import Route
from apps.engine.connectors.webhook_connector import WebhookConnector
from apps.engine.document import DocumentPath
from apps.engine.http import Request, Response
from apps.engine.module import Context
from apps.engine.outcome import Rejected
from apps.engine.ports import NewRun
from apps.engine.run.assembly import Node
from apps.engine.run.program import Trace, Variables
from apps.engine.sections.answers import body_of, problem
from apps.engine.sections.chain import chain
from apps.engine.sections.workspace import Workspace

SECTION = "integration"
DEFAULT = "default"
LONGEST_TYPE = 200  # characters
Follow = Callable[[Any, str, DocumentPath, Callable[[Variables, Context], Any]], Sequence[Node] | None]


def webhook_route(
    workspace: Workspace, connector: WebhookConnector, is_heard: Callable[[str], bool], follow: Follow
) -> Route:
    """Return the route that takes a connector's events in; what `handlers` name gets a program each."""
    path: DocumentPath = ("workflows", SECTION, "connectors")
    entries: dict[str, str] = {}
    for kind, named in connector.config.handlers.items():
        nodes = follow(named, "handle", path, lambda variables, context: variables.input)
        if nodes:
            entry = f"webhook:{connector.name}:{kind}"
            workspace.assemble(entry, SECTION, nodes, path=path)
            entries[kind] = entry
    call, is_async = chain((), _handle(connector, entries, is_heard), False)
    return Route(
        method="POST",
        pattern=connector.config.path,
        source="trigger",
        call=call,
        is_async=is_async,
        is_pure=False,
        handler=connector.name,
    )


def _handle(
    connector: WebhookConnector, entries: dict[str, str], is_heard: Callable[[str], bool]
) -> Callable[[Request, Context, Trace], Response]:
    def handle(request: Request, context: Context, trace: Trace) -> Response:
        event = _event(request)
        kind = event.get("type") or event.get("eventType") or DEFAULT
        if not isinstance(kind, str) or len(kind) > LONGEST_TYPE:
            raise Rejected("The type of an event is a short text.", code="webhook.type", status=422)
        for name in (kind, DEFAULT):
            if name in entries:
                run = context.unit.runs.start(_run(connector.name, entries[name], kind, event))
                response = Response.json({"status": "accepted", "runId": str(run)}, 202)
                response.headers.append((b"weft-run", str(run).encode()))
                return response
        for name in (kind, DEFAULT):
            topic = f"{connector.name}.{name}"
            if is_heard(topic) or context.unit.broker.is_linked(topic):
                message = context.unit.broker.publish(topic, event)
                return Response.json({"status": "accepted", "messageId": str(message)}, 202)
        said = f"Nothing here takes in events of type {kind!r}."
        return problem(501, "webhook.no_handler", said, request)

    return handle


def _event(request: Request) -> dict[str, Any]:
    event = body_of(request)
    if not isinstance(event, dict):
        raise Rejected("An event is a JSON object or a form.", code="body.shape", status=422)
    return event


def _run(connector: str, entry: str, kind: str, event: dict[str, Any]) -> NewRun:
    return NewRun(entry=entry, data=event, section=SECTION, action=kind, workflow=connector, source="trigger")
