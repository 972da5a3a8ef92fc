"""All routes of an application: those of the `http` section, of the `http` trigger, of modules, and preflights.

Where two have one method and path the earlier kind in that order answers, so a trigger on a section's route is
satisfied by what the route's own handler starts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from apps.engine.application import MAX_BODY, Route
from apps.engine.checks.known import FRAMEWORK_KEYS, ROUTERS, SERVERS
from apps.engine.document import DocumentPath, path_text
from apps.engine.flows import route_handlers
from apps.engine.http import Request, Response
from apps.engine.module import Context, Module
from apps.engine.routes import RouteTable, shape
from apps.engine.run.program import Program, Trace
from apps.engine.sections.chain import Handle, bounded, chain, is_middleware
from apps.engine.sections.flows import continued, entrance_routes, flow_handle
from apps.engine.sections.handlers import is_pure, module_handle, pipeline_handle
from apps.engine.sections.integration_routes import execute_handle
from apps.engine.sections.producers import Producers
from apps.engine.sections.workspace import Workspace
from apps.engine.trigger import Resolver
from apps.engine.triggers.http import trigger_handle

SECTION = "http"
CORS = "http.middleware.cors"
PROXY = "reverseproxy"


def compile_routes(
    workspace: Workspace, producers: Producers, resolver: Resolver, further: Iterable[Route] = ()
) -> RouteTable[Route]:
    """Return the table of every route there is; `further` are those of other sections."""
    corsed: dict[str, list[Module[Any]]] = {}
    routes: list[Route] = [
        *_section_routes(workspace, producers, resolver, corsed),
        *entrance_routes(workspace, producers, route_handlers(workspace.document.workflows)),
        *_trigger_routes(workspace, resolver),
        *further,
        *_mounted(workspace, producers, corsed),
    ]
    limit = _server_limit(workspace)
    if limit is not None:
        routes = [_within(route, limit) for route in routes]
    return _with_preflights(RouteTable(routes), corsed)


def _within(route: Route, limit: float) -> Route:
    call, is_async = bounded(route.call, route.is_async, limit)
    return replace(route, call=call, is_async=is_async)


def _server_limit(workspace: Workspace) -> float | None:
    """Return the seconds in which the document's server answers, whichever route it is; None for no limit."""
    module = _meant(workspace, str(workspace.section(SECTION).get("server") or ""), SERVERS)
    return getattr(module, "time_limit", None)


def _section_routes(
    workspace: Workspace, producers: Producers, resolver: Resolver, corsed: dict[str, list[Module[Any]]]
) -> Iterable[Route]:
    section = workspace.section(SECTION)
    router = _router(workspace, section)
    for index, written in enumerate(section.get("routes") or []):
        path: DocumentPath = ("workflows", SECTION, "routes", index)
        middlewares = [*router.middlewares, *_middlewares(workspace, written, path)]
        record = str(written.get("record") or section.get("record") or "end")
        found = _handler(
            workspace, str(written.get("handler", "")), producers, (*path, "handler"), by_step=record == "step"
        )
        handle, handle_is_async, pure, program = found
        executing = execute_handle(workspace, resolver, written)
        if executing is not None:
            handle, handle_is_async = executing, False
        call, is_async = bounded(*chain(middlewares, handle, handle_is_async), router.time_limit)
        pattern = router.below(str(written["path"]))
        corsed.setdefault(shape(pattern), []).extend(_preflights(middlewares))
        yield Route(
            method=str(written["method"]).upper(),
            pattern=pattern,
            source="section" if executing is None else "trigger",
            call=call,
            is_async=is_async,
            is_pure=pure and all(is_pure(middleware) for middleware in middlewares),
            record=record,
            max_body=int(written.get("maxBody") or section.get("maxBody") or MAX_BODY),
            program=program,
            handler=str(written["handler"]),
            path=path_text(path),
        )


def _preflights(middlewares: Iterable[Module[Any]]) -> list[Module[Any]]:
    return [each for each in middlewares if getattr(each, "answers_preflight", each.kind == CORS)]


@dataclass(frozen=True, slots=True)
class _Router:
    """What the section's router adds to every route."""

    middlewares: tuple[Module[Any], ...] = ()
    base_path: str = ""
    time_limit: float | None = None

    def below(self, pattern: str) -> str:
        """Return a pattern below the base path."""
        return pattern if f"{pattern}/".startswith(f"{self.base_path}/") else self.base_path + pattern


def _router(workspace: Workspace, section: dict[str, Any]) -> _Router:
    module = _meant(workspace, str(section.get("router") or ""), ROUTERS)
    if module is None or not hasattr(module, "base_path"):
        return _Router()
    return _Router((module,), module.base_path, module.time_limit)


def _meant(workspace: Workspace, name: str, kinds: Sequence[str]) -> Any:
    """Return the module that is named, else the first of the earliest of `kinds`; None where there is none."""
    places = {entry.name: index for index, entry in enumerate(workspace.document.modules)}
    found = [module for module in workspace.modules.values() if module.kind in kinds]
    return workspace.module(name) or min(
        found, key=lambda module: (kinds.index(module.kind), places[module.name]), default=None
    )


def _handler(
    workspace: Workspace, name: str, producers: Producers, path: DocumentPath, *, by_step: bool
) -> tuple[Handle, bool, bool, Program | None]:
    module = workspace.module(name)
    flow = None if module is None else _flow(workspace, module, producers, path, by_step=by_step)
    if flow is not None:
        return flow
    if module is not None and hasattr(module, "handle"):
        answering = workspace.modules.get(workspace.fronts.get(module.name, ""), module)
        handle, is_async = module_handle(answering, producers, module.name)
        return handle, is_async, is_pure(answering) and not producers.has(module.name), None
    if name in workspace.pipelines:
        program = workspace.programs[f"pipeline:{name}"]
        handle, is_async = pipeline_handle(name, program, producers, by_step=by_step)
        return handle, is_async, program.is_pure and not producers.has(name), program
    workspace.refuse("reference.unsuitable", path, f"{name} cannot answer requests.")


def _flow(
    workspace: Workspace, module: Module[Any], producers: Producers, path: DocumentPath, *, by_step: bool
) -> tuple[Handle, bool, bool, Program | None] | None:
    """Return the flow that begins at a handler, None when none does."""
    found = flow_handle(workspace, module, producers, path, by_step=by_step)
    if found is not None:
        handle, is_async, program = found
        return handle, is_async, program.is_pure and not producers.has(module.name), program
    if module.name not in workspace.flows.heads or not hasattr(module, "handle"):
        return None
    behind = continued(workspace, module, *module_handle(module, producers), path)
    if behind is None:
        return None
    pure = is_pure(module) and behind[1].is_pure and not producers.has(module.name)
    return behind[0], True, pure, behind[1]


def _middlewares(workspace: Workspace, written: dict[str, Any], path: DocumentPath) -> list[Module[Any]]:
    key = "middlewares" if "middlewares" in written else "middleware"
    named = written.get(key) or []
    found: list[Module[Any]] = []
    for index, name in enumerate([named] if isinstance(named, str) else named):
        module = workspace.module(str(name))
        if module is None or not is_middleware(module):
            workspace.refuse("reference.unsuitable", (*path, key, index), f"{name} is not a middleware.")
        found.append(module)
    return found


def _trigger_routes(workspace: Workspace, resolver: Resolver) -> Iterable[Route]:
    trigger = workspace.document.triggers.get("http", {})
    if trigger.get("enabled") is False:
        return
    for index, written in enumerate(trigger.get("routes") or []):
        call, is_async = chain((), trigger_handle(resolver, written), False)
        yield Route(
            method=str(written["method"]).upper(),
            pattern=str(written["path"]),
            source="trigger",
            call=call,
            is_async=is_async,
            is_pure=False,
            handler=str(written["workflow"]),
            path=path_text(("triggers", "http", "routes", index)),
        )


def _mounted(workspace: Workspace, producers: Producers, corsed: dict[str, list[Module[Any]]]) -> Iterable[Route]:
    """Return the routes of modules themselves; a proxy's go through the router, whose cross-origin rules are theirs."""
    router = _router(workspace, workspace.section(SECTION))
    for module in workspace.modules.values():
        middlewares = router.middlewares if module.kind in FRAMEWORK_KEYS[PROXY] else ()
        for method, pattern in module.mounts():
            handle, handle_is_async = module_handle(module, producers)
            call, is_async = chain(middlewares, handle, handle_is_async)
            corsed.setdefault(shape(pattern), []).extend(_preflights(middlewares))
            pure = is_pure(module)
            yield Route(
                method=method,
                pattern=pattern,
                source="module",
                call=call,
                is_async=is_async,
                is_pure=pure,
                record="none" if pure else "end",
                handler=module.name,
            )


def _with_preflights(table: RouteTable[Route], corsed: dict[str, list[Module[Any]]]) -> RouteTable[Route]:
    """Answer OPTIONS for every path: through its cross-origin rules when it has some, else with `Allow` (D15)."""
    declared = {shape(route.pattern) for route in table.routes if route.method == "OPTIONS"}
    patterns = {shape(route.pattern): route.pattern for route in reversed(table.routes)}
    automatic = []
    allowing = _allowing(table)
    without_rules = chain((), allowing, False)
    for of_shape, pattern in patterns.items():
        if of_shape in declared:
            continue
        rules = list(dict.fromkeys(corsed.get(of_shape, [])))
        call, is_async = chain(rules, allowing, False) if rules else without_rules
        automatic.append(
            Route("OPTIONS", pattern, "automatic", call, is_async, True, record="none", handler="", path="")
        )
    whole = RouteTable([*table.routes, *automatic])
    whole.duplicates = table.duplicates
    return whole


def _allowing(table: RouteTable[Route]) -> Handle:
    def handle(request: Request, context: Context, trace: Trace) -> Response:
        allow = sorted({*table.allowed(request.path), "OPTIONS"})
        return Response(204, headers=[(b"allow", ", ".join(allow).encode())])

    return handle
