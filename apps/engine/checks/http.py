"""The `http` section: routes, their handlers and middlewares (spec 4.1)."""

from typing import Any

from apps.engine.checks.known import ROUTERS, SERVERS
from apps.engine.checks.purity import Purity
from apps.engine.checks.references import HANDLING, one_module, refer
from apps.engine.checks.scope import Scope, items_of
from apps.engine.checks.shapes import IGNORED, LIST, NAME, NAME_OR_NAMES, NAMES, WHOLE, Key, Shape, check_shape, one_of
from apps.engine.document import DocumentPath
from apps.engine.routes import segments, shape

RECORD = one_of("end", "step", "async", "none")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECTION = Shape(
    {
        "router": Key(NAME),
        "server": Key(NAME),
        "routes": Key(LIST, required=True),
        "record": Key(RECORD),
        "maxBody": Key(WHOLE),
        "middleware": IGNORED,
        "middlewares": IGNORED,
    }
)
ROUTE = Shape(
    {
        "method": Key(NAME, required=True),
        "path": Key(NAME, required=True),
        "handler": Key(NAME, required=True),
        "middlewares": Key(NAMES),
        "middleware": Key(NAME_OR_NAMES),
        "record": Key(RECORD),
        "maxBody": Key(WHOLE),
        "config": IGNORED,
    }
)
PATH: DocumentPath = ("workflows", "http")


def check_http(scope: Scope, purity: Purity) -> None:
    """Check the section, when there is one."""
    section = scope.document.workflows.get("http")
    if section is None:
        return
    check_shape(scope, section, PATH, SECTION)
    one_module(scope, section.get("router"), (*PATH, "router"), ROUTERS, "router")
    one_module(scope, section.get("server"), (*PATH, "server"), SERVERS, "server")
    routes = section.get("routes")
    for index, route in enumerate(routes if isinstance(routes, list) else []):
        path = (*PATH, "routes", index)
        if check_shape(scope, route, path, ROUTE):
            _route(scope, section, route, path, purity)
    _duplicates(scope, items_of(routes))


def _route(scope: Scope, section: dict[str, Any], route: dict[str, Any], path: DocumentPath, purity: Purity) -> None:
    check_pattern(scope, route, path)
    handler = refer(scope, route["handler"], (*path, "handler"), HANDLING, "answer requests", components=False)
    middlewares = []
    for where, name in _middlewares(route, path):
        middlewares.append(refer(scope, name, where, "before", "stand in front of a handler", modules_only=True))
    record = route.get("record", section.get("record"))
    impure = [name for name in middlewares if name is not None and not purity.of(name)]
    if handler is not None and not purity.of_handler(handler):
        impure.insert(0, handler)
    if record in ("async", "none") and impure:
        where = (*path, "record") if "record" in route else (*path, "handler")
        message = f"'record: {record}' needs work without effects; {impure[0]!r} has some."
        scope.report("record.not_pure", where, message)


def _middlewares(route: dict[str, Any], path: DocumentPath) -> list[tuple[DocumentPath, str]]:
    key = "middlewares" if route.get("middlewares") is not None else "middleware"
    names = route.get(key) or []
    if isinstance(names, str):
        return [((*path, key), names)]
    return [((*path, key, index), name) for index, name in enumerate(names)]


def check_pattern(scope: Scope, route: dict[str, Any], path: DocumentPath) -> None:
    """Check method and path pattern of a route."""
    if route["method"].upper() not in METHODS:
        scope.report("route.pattern", (*path, "method"), f"{route['method']!r} is no HTTP method.")
    fault = _pattern_fault(route["path"])
    if fault:
        scope.report("route.pattern", (*path, "path"), fault)


def _pattern_fault(pattern: str) -> str:
    if not pattern.startswith("/"):
        return "A path begins with '/'."
    names: set[str] = set()
    parts = segments(pattern)
    for index, part in enumerate(parts):
        if "{" not in part and "}" not in part:
            continue
        if not (part.startswith("{") and part.endswith("}")) or part.count("{") + part.count("}") != 2:
            return f"{part!r}: a parameter is a whole segment, such as {{id}}."
        name = part[1:-1]
        if name.endswith("...") and index + 1 < len(parts):
            return f"{part!r} takes the rest of the path, so it must stand last."
        name = name.removesuffix("...")
        if not name or name in names:
            return f"{part!r}: every parameter needs a name of its own."
        names.add(name)
    return ""


def _duplicates(scope: Scope, routes: list[tuple[int, dict[str, Any]]]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for index, route in routes:
        _duplicate(scope, route, (*PATH, "routes", index), seen, "an earlier route")
    trigger = scope.document.triggers.get("http", {})
    if trigger.get("enabled") is False:
        return
    for index, route in items_of(trigger.get("routes")):
        _duplicate(scope, route, ("triggers", "http", "routes", index), seen, "a route of the http section")


def _duplicate(
    scope: Scope, route: dict[str, Any], path: DocumentPath, seen: dict[tuple[str, str], str], earlier: str
) -> None:
    method, pattern = route.get("method"), route.get("path")
    if not isinstance(method, str) or not isinstance(pattern, str):
        return
    key = (method.upper(), shape(pattern))
    if key in seen:
        message = f"{method.upper()} {pattern} is already answered by {earlier} ({seen[key]}), which wins."
        scope.report("route.duplicate", path, message)
    seen.setdefault(key, pattern)
