"""The `integration` section (spec/modules.md 4.6): steps that act on connectors, one behind the other, as durable runs.

The section is one program, and one more for each step by itself. It is started by its own name, its registry's or its
`name`; an action that names a step runs that step alone, any other runs all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from apps.engine.application import Route
from apps.engine.celsyntax import BadExpression
from apps.engine.connectors.base import BadAction
from apps.engine.connectors.kinds import AnyConnector, make_connector
from apps.engine.connectors.webhook_connector import WebhookConnector
from apps.engine.document import DocumentPath, path_text
from apps.engine.module import Context
from apps.engine.object_literals import ObjectLiteral
from apps.engine.ports import NewRun
from apps.engine.run.assembly import Block, Node, Payload, Plain
from apps.engine.run.program import StepCall, Variables
from apps.engine.sections.audience import Audience
from apps.engine.sections.integration_step import SECTION, Heard, IntegrationStep
from apps.engine.sections.pipelines import target_nodes, template_payload
from apps.engine.sections.webhooks import webhook_route
from apps.engine.sections.workspace import Workspace
from apps.engine.step_settings import retry_of
from apps.engine.trigger import Start, UnknownWorkflow

ALL = f"{SECTION}:steps"
PATH: DocumentPath = ("workflows", SECTION)


@dataclass(frozen=True, slots=True)
class Integration:
    """What the section adds to an application."""

    routes: tuple[Route, ...] = ()


def compile_integration(workspace: Workspace, audience: Audience) -> Integration:
    """Add the section's programs; `audience` says whether anybody takes a topic in."""
    section = workspace.section(SECTION)
    if not section:
        return Integration()
    compiler = _Compiler(workspace, section, audience)
    steps = section.get("steps") or []
    nodes = [compiler.step(said, (*PATH, "steps", index)) for index, said in enumerate(steps)]
    workspace.assemble(ALL, SECTION, nodes, path=PATH)
    for said, node in zip(steps, nodes, strict=True):
        workspace.assemble(_entry(said["name"]), SECTION, [node], path=PATH)
    receivers = [each for each in compiler.connectors.values() if isinstance(each, WebhookConnector)]
    hears = audience.hears_published
    return Integration(tuple(webhook_route(workspace, each, hears, compiler.follow) for each in receivers))


def integration_starts(section: dict[str, Any]) -> tuple[dict[str, Start], dict[str, Start]]:
    """Return what the section starts under its own name, and under its registry's and its `name`."""
    if not section:
        return {}, {}
    steps = frozenset(str(step["name"]) for step in section.get("steps") or [])
    names = [str(section[key]) for key in ("registry", "name") if section.get(key)]
    return {SECTION: _start(SECTION, steps)}, {name: _start(name, steps) for name in names}


def _start(workflow: str, steps: frozenset[str]) -> Start:
    def start(action: str, data: Any) -> NewRun:
        if not steps:
            raise UnknownWorkflow("The section 'integration' has no steps to run.")
        given = data if isinstance(data, dict) else {} if data is None else {"payload": data}
        step = action.rpartition(":")[2]
        return NewRun(
            entry=_entry(step) if step in steps else ALL,
            data=given,
            section=SECTION,
            action=action,
            workflow=workflow,
            source="trigger",
        )

    return start


def _entry(step: str) -> str:
    return f"{SECTION}:step:{step}"


class _Compiler:
    """Turns the section as written into nodes."""

    def __init__(self, workspace: Workspace, section: dict[str, Any], audience: Audience) -> None:
        self._workspace = workspace
        self._audience = audience
        self._registry = str(section.get("registry") or "")
        self.connectors: dict[str, AnyConnector] = {
            str(said["name"]): make_connector(str(said["name"]), str(said["type"]), said.get("config") or {})
            for said in section.get("connectors") or []
        }

    def step(self, said: dict[str, Any], path: DocumentPath) -> IntegrationStep:
        """Return one step's node."""
        name, connector = str(said["name"]), self.connectors[str(said["connector"])]
        try:
            call = connector.prepare(str(said["action"]))
        except BadAction as bad:
            self._workspace.refuse("section.invalid", (*path, "action"), str(bad))
        payload, needs_secrets, told, roots = self._payload(said, path)
        follows = {
            "onSuccess": self.follow(
                said.get("onSuccess"), f"{name}.onSuccess", (*path, "onSuccess"), _succeeded(name)
            ),
            "onError": self.follow(said.get("onError"), f"{name}.onError", (*path, "onError"), _failed(name)),
        }
        notes = [
            (key, f"{key} names {said[key]!r}, which is no module, pipeline or subscribed topic.")
            for key, nodes in follows.items()
            if said.get(key) and nodes is None
        ]
        return IntegrationStep(
            name=name,
            connector=connector.name,
            action=str(said["action"]),
            call=call,
            payload=payload,
            needs_secrets=needs_secrets,
            told=told,
            payload_roots=roots,
            retry=retry_of(said, call.timeout_seconds),
            heard=Heard.of(name, self._audience.hears_told),
            success=Block(tuple(follows["onSuccess"] or ())),
            failure=Block(tuple(follows["onError"] or ())),
            goes_on=bool(said.get("onError")),
            path=path_text(path),
            module=self._registry,
            notes=tuple(notes),
        )

    def _payload(
        self, said: dict[str, Any], path: DocumentPath
    ) -> tuple[Payload, bool, Callable[[dict[str, Any]], Any], frozenset[str]]:
        if said.get("transform"):
            try:
                literal = ObjectLiteral(str(said["transform"]))
            except BadExpression as bad:
                self._workspace.refuse("expression.invalid", (*path, "transform"), bad.message)
            return (
                (lambda variables, context: literal.evaluate(variables.names)),
                False,
                literal.evaluate,
                literal.roots,
            )
        template = self._workspace.template(said.get("input") or {}, (*path, "input"))
        payload, needs_secrets, told = template_payload(template)
        return payload, needs_secrets, told, template.roots

    def follow(
        self, named: Any, name: str, path: DocumentPath, payload: Callable[[Variables, Context], Any]
    ) -> Sequence[Node] | None:
        """Return what a name leads to: a module or pipeline that is called, a topic that is published; else None."""
        if not named:
            return ()
        target = str(named)
        workspace = self._workspace
        if workspace.module(target) is not None or target in workspace.pipelines or target in workspace.components:
            return (target_nodes(workspace, workspace.target(target, path), name=name, payload=payload),)
        if self._audience.hears_published(target):
            return (_publishing(target, name, payload, path),)
        return None


def _publishing(topic: str, name: str, payload: Callable[[Variables, Context], Any], path: DocumentPath) -> Node:
    def build(scope: Any, after: int) -> StepCall:
        def call(variables: Variables, context: Context) -> tuple[Any, int]:
            message = context.unit.broker.publish(topic, payload(variables, context))
            return {"topic": topic, "message": str(message)}, after

        return call

    return Plain("emit", build, name, path_text(path), writes=True)


def _succeeded(step: str) -> Callable[[Variables, Context], Any]:
    return lambda variables, context: {"step": step, "result": variables.data.get(step)}


def _failed(step: str) -> Callable[[Variables, Context], Any]:
    return lambda variables, context: {"step": step, "error": variables.data.get(f"{step}_error")}
