"""The `event` section: processor, patterns, handlers, adapters (spec 4.5)."""

from typing import Any

from apps.engine.checks.known import PROCESSORS
from apps.engine.checks.references import CALLED, one_broker, one_module, refer
from apps.engine.checks.scope import Scope, items_of
from apps.engine.checks.shapes import (
    FLAG,
    IGNORED,
    LIST,
    NAME,
    NAMES,
    TEXT,
    Key,
    Kind,
    Shape,
    check_shape,
    one_of,
)
from apps.engine.document import DocumentPath
from apps.engine.durations import BadDuration, duration_seconds
from apps.engine.patterns import CONDITIONS

MOST_PATTERNS = 100
MOST_TYPES = 100  # of one pattern
MOST_HANDLERS = 200
MOST_TOPICS = 1_000  # of all adapters
LONGEST_WINDOW = 30 * 24 * 3600.0


def _is_window(value: Any) -> bool:
    try:
        return 0 < duration_seconds(value) <= LONGEST_WINDOW
    except BadDuration:
        return False


def _is_count(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and 0 <= float(value) <= 1_000_000_000 and float(value).is_integer()
    except (TypeError, ValueError):
        return False


WINDOW = Kind("a duration above zero and up to 720h, such as 5m", _is_window)
COUNT = Kind("a whole number of 0 or more", _is_count)
SECTION = Shape(
    {
        "processor": Key(NAME, required=True),
        "patterns": Key(LIST, required=True),
        "handlers": Key(LIST),
        "adapters": Key(LIST),
    }
)
PATTERN = Shape(
    {
        "patternId": Key(NAME, required=True),
        "eventTypes": Key(NAMES),
        "windowTime": Key(WINDOW, required=True),
        "condition": Key(one_of(*CONDITIONS, "")),
        "minOccurs": Key(COUNT),
        "maxOccurs": Key(COUNT),
        "orderMatters": Key(FLAG),
        "repeat": Key(FLAG),
        "extraParams": IGNORED,
    }
)
HANDLER = Shape({"patternId": Key(NAME, required=True), "handler": Key(NAME, required=True), "config": IGNORED})
ADAPTER = Shape(
    {
        "broker": Key(NAME, required=True),
        "topics": Key(NAMES),
        "eventType": Key(NAME, required=True),
        "sourceIdKey": Key(TEXT),
        "correlIdKey": Key(TEXT),
    }
)
PATH: DocumentPath = ("workflows", "event")


def check_event(scope: Scope) -> None:
    """Check the section, when there is one."""
    section = scope.document.workflows.get("event")
    if section is None:
        return
    check_shape(scope, section, PATH, SECTION)
    if "processor" in section:
        one_module(scope, section["processor"], (*PATH, "processor"), PROCESSORS, "event processor")
    patterns = _few(scope, section.get("patterns"), "patterns", MOST_PATTERNS)
    if patterns == [] and section.get("patterns") == []:
        scope.report("section.required", (*PATH, "patterns"), "At least one pattern is needed.")
    known: dict[str, int] = {}
    for index, written in enumerate(patterns):
        path = (*PATH, "patterns", index)
        if check_shape(scope, written, path, PATTERN):
            _pattern(scope, written, path, known, index)
    named = {item["patternId"]: None for _, item in items_of(patterns) if isinstance(item.get("patternId"), str)}
    for index, written in enumerate(_few(scope, section.get("handlers"), "handlers", MOST_HANDLERS)):
        path = (*PATH, "handlers", index)
        if check_shape(scope, written, path, HANDLER):
            _handler(scope, written, path, named)
    _adapters(scope, section.get("adapters"))


def _few(scope: Scope, written: Any, key: str, most: int) -> list[Any]:
    """Return the list, or nothing when it has more items than anybody may look at."""
    items = written if isinstance(written, list) else []
    if len(items) <= most:
        return items
    scope.report("event.too_many", (*PATH, key), f"There may be {most} {key} at most; these are {len(items)}.")
    return []


def _pattern(scope: Scope, said: dict[str, Any], path: DocumentPath, known: dict[str, int], index: int) -> None:
    name, types = said["patternId"], said.get("eventTypes") or []
    if name in known:
        scope.report("pattern.duplicate", (*path, "patternId"), f"patterns[{known[name]}] is called {name!r} already.")
    known.setdefault(name, index)
    if len(types) > MOST_TYPES:
        scope.report("event.too_many", (*path, "eventTypes"), f"A pattern lists {MOST_TYPES} types at most.")
    least, most = (float(said.get(key) or 0) for key in ("minOccurs", "maxOccurs"))
    if not types:
        scope.report("pattern.never", path, f"{name!r} lists no event types, so nothing can fulfil it.")
    elif 0 < most < max(least, _needed(said)):
        scope.report("pattern.never", (*path, "maxOccurs"), f"{name!r} needs more events than 'maxOccurs' allows.")
    if said.get("orderMatters") is True and said.get("condition") != "sequence":
        message = "'orderMatters' has an effect on sequences only."
        scope.report("key.ignored", (*path, "orderMatters"), message)


def _needed(said: dict[str, Any]) -> int:
    """Return how many events the condition itself needs; one event may stand for several types of `all`."""
    return len(said["eventTypes"]) if said.get("condition") == "sequence" else 1


def _handler(scope: Scope, said: dict[str, Any], path: DocumentPath, patterns: dict[str, None]) -> None:
    if said["patternId"] not in patterns:
        message = scope.unknown(said["patternId"], "pattern", patterns)
        scope.report("reference.unknown", (*path, "patternId"), message)
    refer(scope, said["handler"], (*path, "handler"), CALLED, "take matches in")


def _adapters(scope: Scope, written: Any) -> None:
    topics = 0
    for index, said in enumerate(written if isinstance(written, list) else []):
        path = (*PATH, "adapters", index)
        if topics > MOST_TOPICS or index > MOST_TOPICS:
            scope.report("event.too_many", (*PATH, "adapters"), f"All adapters have {MOST_TOPICS} topics at most.")
            return
        if check_shape(scope, said, path, ADAPTER):
            one_broker(scope, said["broker"], (*path, "broker"))
            topics += len(said.get("topics") or [])
            if not said.get("topics"):
                scope.report("adapter.silent", path, "This adapter has no topics, so no event comes in through it.")


def check_event_action(scope: Scope, item: dict[str, Any], path: DocumentPath) -> None:
    """Check the action of a trigger that names the section: `processor`, `processor:pattern`, or data that name one."""
    section = scope.document.workflows.get("event", {})
    processor, _, pattern = item["action"].partition(":")
    params = item.get("params")
    said = params.get("processor") if isinstance(params, dict) else None
    known = section.get("processor")
    if known not in (processor, said):
        what = scope.unknown(processor, "event processor", [known] if isinstance(known, str) else [])
        scope.report("trigger.action.unknown", path, what)
    patterns = [found["patternId"] for _, found in items_of(section.get("patterns")) if _is_named(found)]
    if pattern and pattern not in patterns:
        scope.report("trigger.action.unknown", path, scope.unknown(pattern, "pattern", patterns))


def _is_named(pattern: dict[str, Any]) -> bool:
    return isinstance(pattern.get("patternId"), str)
