"""The top level: which keys there are, and that sections and triggers are maps."""

from typing import Any

from apps.engine.checks.known import (
    FRAMEWORK_KEYS,
    IGNORED_TOP_KEYS,
    SECTIONS,
    TOP_KEYS,
    TRIGGERS,
)
from apps.engine.checks.scope import Scope
from apps.engine.checks.shapes import unknown_key

SEVERAL = (
    " Several workflows in one text are imported with POST /api/v1/projects/{id}/workflows/import; wfctl validates and "
    "serves each of them."
)


def check_top(scope: Scope) -> None:
    """Check keys and shapes that the rest relies on."""
    for name, value in scope.document.data.items():
        if name in FRAMEWORK_KEYS:
            _framework(scope, name, value)
        elif name in IGNORED_TOP_KEYS:
            scope.report("key.ignored", (name,), f"{name!r} is kept and has no effect here: {IGNORED_TOP_KEYS[name]}.")
        elif name not in TOP_KEYS:
            _unknown(scope, name)
    if scope.options.filled and not scope.document.data.get("modules") and not scope.document.data.get("workflows"):
        scope.report("document.empty", (), "The document is empty: it has neither modules nor workflows to publish.")
    _sections(scope, "workflows", "section", SECTIONS)
    _sections(scope, "triggers", "trigger", TRIGGERS)


def _unknown(scope: Scope, name: str) -> None:
    """Block what looks like a slip of the pen; keep and warn of anything else (spec/modules.md 1.1)."""
    if scope.nearest(name, TOP_KEYS):
        unknown_key(scope, name, (name,), TOP_KEYS)
    elif not name.startswith("x-"):
        scope.report("key.ignored", (name,), f"There is no key {name!r} here; it is kept and has no effect.")


def _framework(scope: Scope, name: str, value: Any) -> None:
    """Framework settings belong to the one module of their type; without it nothing reads them."""
    if len(scope.of_kinds(FRAMEWORK_KEYS[name])) != 1:
        kinds = " or ".join(FRAMEWORK_KEYS[name])
        scope.report("key.ignored", (name,), f"{name!r} has no effect: there is not exactly one {kinds}.")
    elif value is not None and not isinstance(value, dict):
        scope.report("section.shape", (name,), f"{name!r} must be a map.")


def _sections(scope: Scope, key: str, what: str, known: frozenset[str]) -> None:
    written = scope.document.data.get(key)
    if written is None:
        return
    if not isinstance(written, dict):
        hint = SEVERAL if isinstance(written, list) else ""
        scope.report("section.shape", (key,), f"{key!r} must be a map of {what}s.{hint}")
        return
    for name, value in written.items():
        path = (key, name)
        if name.startswith("x-"):
            continue
        if value is not None and not isinstance(value, dict):
            scope.report("section.shape", path, f"The {what} {name!r} must be a map.")
        elif name not in known:
            scope.report(f"{what}.unknown", path, f"There is no {what} {name!r}.{scope.nearest(name, known)}")
