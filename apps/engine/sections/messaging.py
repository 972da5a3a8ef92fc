"""The `messaging` section: subscriptions with the programs that take their messages in, and what producers forward."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson

from apps.engine.document import DocumentPath, path_text
from apps.engine.expressions import text_of
from apps.engine.module import Context
from apps.engine.outcome import Rejected
from apps.engine.private_topics import sent_to
from apps.engine.run.assembly import Assembler, Plain, Scope
from apps.engine.run.program import END, Program, StepCall, Variables
from apps.engine.sections.pipelines import target_nodes
from apps.engine.sections.producers import Producers
from apps.engine.sections.texts import evaluator
from apps.engine.sections.workspace import Workspace
from apps.engine.subscription import Subscription
from apps.engine.trigger import PUBLISH

SECTION = "messaging"
HANDLER = "handle"  # name of the handler's step


def read_producers(workspace: Workspace) -> Producers:
    """Read `messaging.producers`; pipelines and data modules pass on what they made."""
    transforming = [name for name, module in workspace.modules.items() if module.category.value == "data"]
    section = workspace.section(SECTION)
    made = [*transforming, *workspace.pipelines]
    subscriptions = section.get("subscriptions") or []
    return Producers.read(section.get("producers") or [], made, subscriptions, workspace.legacy)


def compile_messaging(workspace: Workspace, producers: Producers) -> tuple[Subscription, ...]:
    """Return the subscriptions of the section, then those that `messaging.handler` modules imply."""
    found: list[Subscription] = []
    taken: set[str] = set()
    written = workspace.section(SECTION).get("subscriptions") or []
    for index, said in enumerate(written):
        path: DocumentPath = ("workflows", SECTION, "subscriptions", index)
        _add(workspace, producers, said, path, found, taken)
    named = {said.get("handler") for said in written}
    places = {entry.name: entry.path for entry in reversed(workspace.document.modules)}
    for name, module in workspace.modules.items():
        topic = getattr(module.config, "topic", None)
        if module.kind == "messaging.handler" and topic and name not in named:
            path = (*places[name], "config", "topic")
            _add(workspace, producers, {"topic": topic, "handler": name}, path, found, taken)
    workspace.programs[PUBLISH] = _publishing(workspace)
    outside = workspace.outside
    workspace.programs |= {program.entry: program for program in outside.programs()}
    return (*map(outside.adopted, found), *outside.subscriptions(places))


def _add(
    workspace: Workspace,
    producers: Producers,
    said: dict[str, Any],
    path: DocumentPath,
    found: list[Subscription],
    taken: set[str],
) -> None:
    topic, handler = str(said["topic"]), str(said["handler"])
    target = workspace.target(handler, (*path, "handler"), takes=True)
    name = f"{topic} -> {handler}"
    if name in taken:
        name = f"{name} #{len(found)}"
    taken.add(name)
    program = workspace.assemble(
        f"message:{name}",
        SECTION,
        [target_nodes(workspace, target, name=HANDLER)],
        producers.nodes(handler, HANDLER),
        path,
    )
    found.append(
        Subscription(
            name=name,
            topic=topic,
            entry=program.entry,
            handler=handler,
            ordering="none" if said.get("ordering") == "none" else "key",
            key_of=_key_of(workspace, said.get("key"), (*path, "key")),
            path=path_text(path),
        )
    )


def _key_of(workspace: Workspace, written: Any, path: DocumentPath) -> Callable[[Any], str | None] | None:
    if written is None:
        return None
    evaluate, _ = evaluator(workspace, written, path)

    def key_of(payload: Any) -> str | None:
        names = Variables(payload).names
        value = evaluate(names)
        return None if value is None else text_of(value)

    return key_of


def _publishing(workspace: Workspace) -> Program:
    """Return the program that publishes one message, for triggers that name the section itself."""

    def build(scope: Scope, after: int) -> StepCall:
        def call(variables: Variables, context: Context) -> tuple[Any, int]:
            asked = variables.input
            if not asked["topic"]:
                raise Rejected("The action of a messaging trigger is a topic.", code="messaging.topic")
            message = _publish(workspace, asked, context)
            told = {"broker": asked.get("broker", ""), "topic": asked["topic"], "length": _length(asked["payload"])}
            variables.data = {"success": True, **told, "message": str(message)}
            return variables.data, END

        return call

    return Assembler(PUBLISH, SECTION).program([Plain("emit", build, "publish", writes=True)])


def _publish(workspace: Workspace, asked: dict[str, Any], context: Context) -> UUID:
    """Publish through the broker that was asked for by name, else through that of the document's messages."""
    topic, named = asked["topic"], asked.get("through", "")
    if named in workspace.outside.brokers:
        topic = sent_to(named, topic)
    return context.unit.broker.publish(
        topic, asked["payload"], key=asked.get("key"), headers=asked.get("headers"), on_bus=bool(named)
    )


def _length(payload: Any) -> int:
    """Return how many bytes a message has: a text as it is, anything else as JSON."""
    if isinstance(payload, str):
        return len(payload.encode("utf-8", "surrogatepass"))
    return len(orjson.dumps(payload, default=str, option=orjson.OPT_NON_STR_KEYS))
