"""The `messaging` section: subscriptions and producers (spec 4.2)."""

from typing import Any

from apps.engine.checks.references import CALLED, one_broker, refer
from apps.engine.checks.scope import Scope
from apps.engine.checks.shapes import IGNORED, LIST, NAME, NAMES, SCALAR, TEXT, Key, Shape, check_shape, one_of
from apps.engine.document import DocumentPath

SECTION = Shape({"broker": Key(NAME), "subscriptions": Key(LIST, required=True), "producers": Key(LIST)})
SUBSCRIPTION = Shape(
    {
        "topic": Key(NAME, required=True),
        "handler": Key(NAME, required=True),
        "ordering": Key(one_of("key", "none")),
        "key": Key(SCALAR),
        "config": IGNORED,
    }
)
PRODUCER = Shape({"name": Key(NAME, required=True), "topic": Key(TEXT), "forwardTo": Key(NAMES)})
PATH: DocumentPath = ("workflows", "messaging")


def check_messaging(scope: Scope) -> None:
    """Check the section, when there is one."""
    section = scope.document.workflows.get("messaging")
    if section is None:
        return
    check_shape(scope, section, PATH, SECTION)
    one_broker(scope, section.get("broker"), (*PATH, "broker"))
    for index, written in enumerate(_list(section.get("subscriptions"))):
        path = (*PATH, "subscriptions", index)
        if check_shape(scope, written, path, SUBSCRIPTION):
            refer(scope, written["handler"], (*path, "handler"), CALLED, "take messages in")
            _no_secrets(scope, scope.template(written.get("key"), (*path, "key")), (*path, "key"))
    for index, written in enumerate(_list(section.get("producers"))):
        path = (*PATH, "producers", index)
        if check_shape(scope, written, path, PRODUCER):
            _producer(scope, written["name"], (*path, "name"))


def _producer(scope: Scope, name: str, path: DocumentPath) -> None:
    if scope.resolve(name) is None and name not in scope.pipelines:
        scope.report("reference.unknown", path, scope.unknown(name, "module or pipeline", scope.targets()))


def _no_secrets(scope: Scope, secrets: set[str], path: DocumentPath) -> None:
    if secrets:
        names = ", ".join(sorted(secrets))
        scope.report("reference.unsuitable", path, f"A secret may be given to a module only: {names}.")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
