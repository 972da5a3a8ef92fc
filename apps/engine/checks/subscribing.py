"""The triggers that listen, `event` and `eventbus`, and `mock`: their shape and what they need (spec 5)."""

from typing import Any

from apps.engine.checks.known import BROKERS, BUSES
from apps.engine.checks.scope import Scope
from apps.engine.checks.shapes import FLAG, LIST, MAP, NAME, TEXT, Key, Shape, check_shape
from apps.engine.document import DocumentPath

TRIGGER = Shape({"subscriptions": Key(LIST), "enabled": Key(FLAG)})
SUBSCRIPTION = Shape(
    {
        "topic": Key(NAME, required=True),
        "event": Key(TEXT),
        "workflow": Key(NAME, required=True),
        "action": Key(NAME, required=True),
        "async": Key(FLAG),
        "params": Key(MAP),
    }
)
NEEDED = {"event": ((*BROKERS, *BUSES), "broker"), "eventbus": (BUSES, "event bus")}
MOST = 1_000  # subscriptions of one trigger


def check_subscribing(scope: Scope, name: str, trigger: dict[str, Any]) -> None:
    """Check one trigger that listens to messages."""
    path: DocumentPath = ("triggers", name)
    check_shape(scope, trigger, path, TRIGGER)
    written = trigger.get("subscriptions")
    if written is None:
        if "enabled" not in trigger:
            scope.report("section.required", (*path, "subscriptions"), "'subscriptions' is missing.")
        else:
            scope.report("trigger.empty", path, "This trigger has no subscriptions, so it starts nothing.")
        return
    items = written if isinstance(written, list) else []
    if len(items) > MOST:
        scope.report("section.invalid", (*path, "subscriptions"), f"One trigger has at most {MOST} subscriptions.")
        return
    kinds, what = NEEDED[name]
    if items and not scope.of_kinds(kinds):
        scope.report("reference.missing", path, f"No module is a {what} ({' or '.join(kinds)}) to listen to.")
    for index, item in enumerate(items):
        where = (*path, "subscriptions", index)
        if check_shape(scope, item, where, SUBSCRIPTION) and name == "eventbus":
            _bus_topic(scope, item["topic"], (*where, "topic"))


def _bus_topic(scope: Scope, topic: str, path: DocumentPath) -> None:
    if "*" in topic[:-1] and not topic.endswith("**"):
        scope.report("section.invalid", path, f"A '*' may stand at the end of a topic of the bus only: {topic!r}.")


def check_mock(scope: Scope) -> None:
    """Say that a mock trigger starts nothing by itself; whatever is written under it is accepted."""
    scope.report(
        "trigger.mock",
        ("triggers", "mock"),
        "A mock trigger starts nothing by itself: start its workflow and action by hand or through the API.",
    )
