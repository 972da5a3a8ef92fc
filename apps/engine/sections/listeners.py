"""Modules that listen by themselves, such as an event logger: a subscription for each of their topics."""

from collections.abc import Callable
from functools import partial
from typing import Any

from apps.engine.document import path_text
from apps.engine.module import Module
from apps.engine.ports import NewRun
from apps.engine.run.target import module_target
from apps.engine.sections.messaging import HANDLER, SECTION
from apps.engine.sections.pipelines import target_nodes
from apps.engine.sections.workspace import Workspace
from apps.engine.subscription import STARTING, Arrived, Subscription, only_first


def compile_listeners(workspace: Workspace) -> list[Subscription]:
    """Return the subscriptions of all modules that listen, and add the programs that tell them."""
    places = {entry.name: entry.path for entry in reversed(workspace.document.modules)}
    found = []
    for name, module in workspace.modules.items():
        topics, target = tuple(dict.fromkeys(module.listens())), module_target(module)
        if not topics or target is None:
            continue
        entry = f"listen:{name}"
        workspace.assemble(entry, SECTION, [target_nodes(workspace, target, name=HANDLER)], path=places[name])
        first = only_first(topics)
        found += [
            Subscription(
                name=f"listener: {name}",
                topic=topic,
                entry=f"{STARTING}listener",
                handler=name,
                ordering="none",
                path=path_text(places[name]),
                takes=partial(_takes, module, first[topic]),
                starts=partial(_told, entry, name),
            )
            for topic in topics
        ]
    return found


def _takes(module: Module[Any], is_first: Callable[[str, Any], bool], topic: str, payload: Any) -> bool:
    return is_first(topic, payload) and module.hears(topic, payload)


def _told(entry: str, name: str, arrived: Arrived) -> NewRun:
    return NewRun(
        entry=entry,
        data={"topic": arrived.topic, "event": arrived.payload},
        section=SECTION,
        action=arrived.topic,
        workflow=name,
        source="message",
        correlation=arrived.id,
    )
